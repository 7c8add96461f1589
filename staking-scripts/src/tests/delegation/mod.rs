//! The delegation: check, signatures, JSON, steps and status.

mod check;
mod check_extension;
mod covenant;
mod in_force;
mod included;
mod json;
mod rules;
mod seen;
mod stake;
mod status;
