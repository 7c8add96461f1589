#![cfg_attr(feature = "http", doc = include_str!("../README.md"))]
#![cfg_attr(not(feature = "http"), doc = "Which addresses are on this host.")]

mod causes;
#[cfg(feature = "http")]
mod error;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "http")]
mod json_rpc;
mod loopback;
#[cfg(feature = "subscriptions")]
mod subscription;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "http")]
mod trust;
#[cfg(feature = "http")]
mod url;

#[cfg(test)]
#[cfg(all(feature = "subscriptions", feature = "testing"))]
mod tests;

pub use self::causes::with_causes;
#[cfg(feature = "subscriptions")]
pub use self::error::SubscriptionError;
#[cfg(feature = "http")]
pub use self::error::{EndpointError, RpcRefusal};
#[cfg(feature = "http")]
pub use self::http::{Answer, Endpoint, Limits};
pub use self::loopback::{is_loopback, is_loopback_host};
#[cfg(feature = "subscriptions")]
pub use self::subscription::Subscription;
#[cfg(feature = "http")]
pub use self::trust::{InvalidTrust, Trust};
#[cfg(feature = "http")]
pub use self::url::{InvalidUrl, Url};
