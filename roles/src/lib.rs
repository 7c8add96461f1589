#![doc = include_str!("../README.md")]

pub mod provider;

#[cfg(test)]
mod tests;
