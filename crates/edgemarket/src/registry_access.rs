//! How a command reaches the registry of an image: flags for credentials and plain http, and from what was typed to a
//! source. Only registries need any of it.

use crate::output::Failure;
use clap::Args;
use oci::client::{ClientOptions, Credentials};
use oci::reference::Locator;
use oci::source::{OpenOptions, Source, open};
use std::io::Read;

/// Most bytes of a password on standard input; registry tokens have some kilobytes.
const PASSWORD_BYTES_MAX: u64 = 64 << 10;

/// The flags.
#[derive(Debug, Args)]
pub struct RegistryAccess {
    /// User name at the registry
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// Read the registry's password or token from standard input [default: EDGEMARKET_REGISTRY_PASSWORD]
    #[arg(long, requires = "username")]
    password_stdin: bool,
    /// Allow plain http to a registry that is not on this machine
    #[arg(long)]
    allow_http: bool,
}

impl RegistryAccess {
    /// What the flags say.
    pub fn options(&self) -> Result<ClientOptions, Failure> {
        let credentials = credentials(self.username.as_deref(), self.password_stdin)?;
        Ok(ClientOptions { credentials, allow_http: self.allow_http, ..ClientOptions::default() })
    }

    /// Opens an image. The result must be used outside of asynchronous code.
    pub fn open(&self, image: &str) -> Result<Box<dyn Source>, Failure> {
        let client = self.options()?;
        Ok(open(&Locator::parse(image)?, &OpenOptions { client, ..OpenOptions::default() })?)
    }
}

fn credentials(username: Option<&str>, from_stdin: bool) -> Result<Option<Credentials>, Failure> {
    let Some(username) = username.map(str::to_owned) else { return Ok(None) };
    let password = match from_stdin {
        true => password_from_stdin()?,
        false => std::env::var("EDGEMARKET_REGISTRY_PASSWORD").map_err(|_| {
            Failure::usage(
                "there is a user name, but no password",
                "add --password-stdin, or set EDGEMARKET_REGISTRY_PASSWORD",
            )
        })?,
    };
    Ok(Some(Credentials::Basic { username, password }))
}

fn password_from_stdin() -> Result<String, Failure> {
    let mut text = String::new();
    std::io::stdin().take(PASSWORD_BYTES_MAX).read_to_string(&mut text).map_err(|cause| {
        Failure::could_not_run(
            format!("the password cannot be read from standard input: {cause}"),
            "pipe it in, for example from a password store",
        )
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
