//! Tests of certification through its public edge.

mod advisories;
mod advisories_bad;
mod advisories_real;
mod archives;
mod built_in_rules;
mod certify_all;
mod changes;
mod clamd;
mod false_alarms;
mod fixture;
mod formats;
mod gather_bad;
mod gather_image;
mod gather_packages;
mod gather_parsers;
mod gather_rpm;
mod sandbox;
mod trust;
mod versions;
mod yara_parity;
