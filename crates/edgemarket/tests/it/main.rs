//! The real binary, from outside: exit status, standard output and standard error of each command.

mod browser;
mod certify;
mod command;
mod image;
mod kills;
mod offer;
mod route;
mod server;
