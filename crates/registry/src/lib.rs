//! An OCI Distribution 1.1 server as a library: routes and protocol (`server`), bytes on the local disk (`blobs`). Who
//! may do what, and which tag or digest stands in which repository, is asked of the [`Owner`]. It knows no offers, keeps
//! no records of its own and starts no server: the caller mounts [`router`] where it likes.

pub mod blobs;
pub mod name;
pub mod owner;
mod server;

pub use blobs::Blobs;
pub use owner::Owner;
pub use server::router;
