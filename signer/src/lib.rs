#![doc = include_str!("../README.md")]

pub mod import;
pub mod interchange;
pub mod protection;
pub mod session;
