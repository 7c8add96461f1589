//! The delegation, from its check to where it stands.

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
