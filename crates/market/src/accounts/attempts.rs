//! How often somebody may try a password: by a generic cell rate (GCRA, ITU-T I.371), of which one instant a key is kept.
//! In memory: a restart forgives, and who guesses from outside cannot cause one.

use crate::clock::Instant;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Keys that are remembered at most; each takes some 50 bytes. Then those that are free again soonest are forgotten.
const KEYS_MAX: usize = 65_536;

/// So many at once, then one in so many milliseconds.
#[derive(Debug, Clone, Copy)]
struct Rate {
    burst: i64,
    every_ms: i64,
}

/// An account from one address: a person who tries the passwords of many years; then 60 in an hour.
const ACCOUNT_HERE: Rate = Rate { burst: 10, every_ms: 60_000 };
/// An account from anywhere. More than one address alone can use up, so that no stranger locks a person out from one
/// machine; 2,400 guesses a day find no password of 15 characters.
const ACCOUNT: Rate = Rate { burst: 100, every_ms: 36_000 };
/// An address: an office behind one, on a Monday.
const ADDRESS: Rate = Rate { burst: 30, every_ms: 10_000 };

type Key = [u8; 16];

/// Who tries: the limits that one attempt counts against.
pub(crate) struct Attempt([(Key, Rate); 3]);

impl Attempt {
    /// On an account by its name, whether there is one or not.
    pub fn new(name: &str, address: IpAddr) -> Attempt {
        let address = network(address);
        let key = |parts: [&str; 3]| {
            let digest = Sha256::digest(parts.join("\n").as_bytes());
            Key::try_from(&digest[..16]).unwrap_or_default()
        };
        Attempt([
            (key(["here", name, &address]), ACCOUNT_HERE),
            (key(["account", name, ""]), ACCOUNT),
            (key(["address", "", &address]), ADDRESS),
        ])
    }
}

/// An IPv6 customer has a whole /64 to try from.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("{:x}", v6.to_bits() >> 64),
    }
}

/// When each key is free again, in epoch milliseconds.
#[derive(Default)]
pub(crate) struct Attempts(Mutex<HashMap<Key, i64>>);

impl Attempts {
    /// Counts an attempt, or says how long to wait. An attempt that has to wait counts nothing.
    pub fn begin(&self, attempt: &Attempt, now: Instant) -> Result<(), Duration> {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = |free: &HashMap<Key, i64>, key: &Key, rate: Rate| {
            free.get(key).copied().unwrap_or(0).max(now.0) + rate.every_ms
        };
        let mut wait_ms = 0;
        for (key, rate) in &attempt.0 {
            wait_ms = wait_ms.max(next(&free, key, *rate) - now.0 - rate.burst * rate.every_ms);
        }
        if wait_ms > 0 {
            return Err(Duration::from_millis(wait_ms.unsigned_abs()));
        }
        if free.len() + attempt.0.len() > KEYS_MAX {
            forget(&mut free, now.0);
        }
        for (key, rate) in &attempt.0 {
            let next = next(&free, key, *rate);
            free.insert(*key, next);
        }
        Ok(())
    }

    /// It was the right password: the attempt counts no more, and the person begins anew.
    pub fn forgive(&self, attempt: &Attempt) {
        let mut free = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (at, (key, rate)) in attempt.0.iter().enumerate() {
            if at == 0 {
                free.remove(key);
            } else if let Some(instant) = free.get_mut(key) {
                *instant -= rate.every_ms;
            }
        }
    }
}

/// Forgets what is free already; and the sooner half of the rest, where that was not enough.
fn forget(free: &mut HashMap<Key, i64>, now_ms: i64) {
    free.retain(|_, instant| *instant > now_ms);
    if free.len() * 2 > KEYS_MAX {
        let mut instants: Vec<i64> = free.values().copied().collect();
        let middle = instants.len() / 2;
        let (_, middle, _) = instants.select_nth_unstable(middle);
        let middle = *middle;
        free.retain(|_, instant| *instant > middle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn ten_from_one_address_then_one_a_minute_and_others_are_not_held_up() {
        let attempts = Attempts::default();
        let ada = Attempt::new("ada", address("192.0.2.1"));
        for _ in 0..10 {
            attempts.begin(&ada, Instant(0)).unwrap();
        }
        assert_eq!(attempts.begin(&ada, Instant(0)), Err(Duration::from_secs(60)));
        assert_eq!(attempts.begin(&ada, Instant(59_000)), Err(Duration::from_secs(1)));
        attempts.begin(&Attempt::new("bob", address("192.0.2.1")), Instant(0)).unwrap();
        attempts.begin(&Attempt::new("ada", address("192.0.2.2")), Instant(0)).unwrap();
        attempts.begin(&ada, Instant(60_000)).unwrap();
        attempts.forgive(&ada);
        for _ in 0..10 {
            attempts.begin(&ada, Instant(60_000)).unwrap();
        }
    }

    #[test]
    fn an_address_has_a_limit_of_its_own_and_a_network_is_one_address() {
        let attempts = Attempts::default();
        let of = |n: u32| Attempt::new(&format!("name{n}"), address(&format!("2001:db8::{n:x}")));
        for n in 0..30 {
            attempts.begin(&of(n), Instant(0)).unwrap();
        }
        assert_eq!(attempts.begin(&of(30), Instant(0)), Err(Duration::from_secs(10)));
        attempts.begin(&Attempt::new("name30", address("2001:db8:0:1::1")), Instant(0)).unwrap();
        let mapped = Attempt::new("x", address("::ffff:192.0.2.7"));
        assert_eq!(mapped.0[2].0, Attempt::new("y", address("192.0.2.7")).0[2].0);
    }

    #[test]
    fn an_account_has_one_over_all_addresses() {
        let attempts = Attempts::default();
        let from = |n: u32| Attempt::new("ada", IpAddr::V4((0xC000_0200 + n).into()));
        for n in 0..100 {
            attempts.begin(&from(n), Instant(0)).unwrap();
        }
        assert_eq!(attempts.begin(&from(100), Instant(0)), Err(Duration::from_secs(36)));
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let attempts = Attempts::default();
        for n in 0..60_000_u32 {
            let _ = attempts.begin(&Attempt::new(&n.to_string(), IpAddr::V4(n.into())), Instant(0));
        }
        assert!(attempts.0.lock().unwrap().len() <= KEYS_MAX);
    }
}
