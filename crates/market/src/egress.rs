//! The one way out of this program: host names are resolved here, addresses that are private, loopback or otherwise not
//! of the public internet are refused unless the operator allowed them, and the connection is made to the very address
//! that was checked, so that a name that changes between check and use gains nothing.

use crate::error::Result;
use oci::client::{HttpOptions, UrlGuard, http_client};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use url::{Host, Url};

/// What may be reached although it is not public: host names, addresses, networks (`10.0.0.0/8`).
#[derive(Debug, Clone, Default)]
pub(crate) struct Egress {
    names: Arc<Vec<String>>,
    networks: Arc<Vec<(IpAddr, u8)>>,
}

impl Egress {
    /// From the setting `allow-private-egress`.
    pub fn new(allowed: &[String]) -> Egress {
        let network = |text: &String| network(text);
        let names = allowed.iter().filter(|text| network(text).is_none()).map(|name| name.to_lowercase());
        Egress {
            names: Arc::new(names.collect()),
            networks: Arc::new(allowed.iter().filter_map(network).collect()),
        }
    }

    /// An HTTP client that resolves through here and follows no redirects.
    pub fn client(&self) -> Result<reqwest::Client> {
        let resolver = Arc::new(self.clone());
        Ok(http_client(HttpOptions { resolver: Some(resolver), authorities_pem: Vec::new() })?)
    }

    /// Checks addresses that are numbers, which are never resolved.
    pub fn guard(&self) -> UrlGuard {
        let egress = self.clone();
        Arc::new(move |url: &Url| egress.check(url))
    }

    /// Whether the host of a URL may be reached, as far as the URL itself tells.
    pub fn check(&self, url: &Url) -> Result<(), String> {
        let address = match url.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            Some(Host::Domain(_)) => return Ok(()),
            None => return Err(format!("{url} names no host")),
        };
        if self.allows(address) { Ok(()) } else { Err(refusal(&address.to_string())) }
    }

    fn allows(&self, address: IpAddr) -> bool {
        is_public(address) || self.networks.iter().any(|(network, bits)| contains(*network, *bits, address))
    }
}

impl Resolve for Egress {
    fn resolve(&self, name: Name) -> Resolving {
        let egress = self.clone();
        Box::pin(async move {
            let name = name.as_str().to_lowercase();
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let trusted = egress.names.contains(&name);
            let allowed: Vec<SocketAddr> =
                found.into_iter().filter(|address| trusted || egress.allows(address.ip())).collect();
            if allowed.is_empty() {
                return Err(refusal(&name).into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

fn refusal(host: &str) -> String {
    format!(
        "{host} is a private or loopback address, which outgoing requests may not reach (setting allow-private-egress)"
    )
}

/// An address, or a network such as `10.0.0.0/8`; none of other text.
pub(crate) fn network(text: &str) -> Option<(IpAddr, u8)> {
    let (address, bits) = text.split_once('/').unwrap_or((text, ""));
    let address: IpAddr = address.parse().ok()?;
    let bits = if bits.is_empty() { width(address) } else { bits.parse().ok()? };
    (bits <= width(address)).then_some((address, bits))
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// Whether an address is of a network.
pub(crate) fn contains(network: IpAddr, bits: u8, address: IpAddr) -> bool {
    let number = |address: IpAddr| match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
        IpAddr::V6(v6) => v6.to_bits(),
    };
    if network.is_ipv4() != address.is_ipv4() || bits > width(network) {
        return false;
    }
    bits == 0 || (number(network) ^ number(address)) >> (128 - u32::from(bits)) == 0
}

/// Whether an address belongs to the public internet (IANA special-purpose address registries).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_multicast()
                || v4.is_documentation()
                || a == 0
                || a >= 240
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (b == 18 || b == 19)))
        }
        IpAddr::V6(v6) => match embedded_v4(v6) {
            Some(v4) => is_public(IpAddr::V4(v4)),
            // Only 2000::/3 is handed out; documentation (2001:db8::/32) is inside of it.
            None => v6.segments()[0] & 0xe000 == 0x2000 && v6.segments()[..2] != [0x2001, 0x0db8],
        },
    }
}

/// IPv4 inside of IPv6: mapped, 6to4, NAT64.
fn embedded_v4(v6: Ipv6Addr) -> Option<std::net::Ipv4Addr> {
    let s = v6.segments();
    let join = |high: u16, low: u16| std::net::Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match s {
        [0x2002, high, low, ..] => Some(join(high, low)),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => Some(join(high, low)),
        _ => v6.to_ipv4_mapped(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_and_allowed_addresses_are_reached() {
        let egress =
            Egress::new(&["10.1.0.0/16".to_owned(), "192.168.7.7".to_owned(), "registry.local".to_owned()]);
        for refused in [
            "http://127.0.0.1/",
            "http://10.2.0.1/",
            "http://[::1]/",
            "http://169.254.169.254/",
            "http://[::ffff:10.2.0.1]/",
            "http://0.0.0.0/",
            "http://2130706433/",
            "http://[fd00::1]/",
            "http://192.168.7.8/",
        ] {
            assert!(egress.check(&refused.parse().unwrap()).is_err(), "{refused}");
        }
        for allowed in [
            "http://10.1.255.255/",
            "http://192.168.7.7/",
            "https://93.184.216.34/",
            "https://[2606:2800::1]/",
        ] {
            assert_eq!(egress.check(&allowed.parse().unwrap()), Ok(()), "{allowed}");
        }
    }
}
