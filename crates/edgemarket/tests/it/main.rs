//! The real binary, from outside: exit status, standard output and standard error of each command.

mod admin;
mod advisories;
mod airgap;
mod bad_input;
mod blobs;
mod browser;
mod certify;
mod command;
mod copy;
mod docker_registry;
mod faults;
mod follow;
mod image;
mod kills;
mod leads;
mod offer;
mod policy;
mod proxy;
mod publication;
mod pull;
mod recertify;
mod route;
mod same;
mod server;
mod start;
mod trust;
