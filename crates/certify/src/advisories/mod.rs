//! Vulnerability data (spec `certification.md`, *Vulnerability data*): what an advisory says of which version of which
//! package. Not the criteria that judge by it.

pub mod versions;
