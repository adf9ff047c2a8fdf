//! The real binary, from outside: exit status, standard output and standard error of each command.

mod certify;
mod command;
mod image;
mod offer;
mod route;
