//! Which addresses are on this host, so that nobody else is on the way.

use std::net::IpAddr;

/// Returns whether an address is on loopback, also one of IPv4 within IPv6.
pub fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// Returns whether a host of a URL is on loopback: an address (of IPv6 in brackets), or `localhost`.
pub fn is_loopback_host(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host == "localhost" || address.parse().is_ok_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use super::is_loopback_host;

    #[test]
    fn hosts_of_this_machine_are_told() {
        for own in ["localhost", "127.0.0.1", "127.1.2.3", "::1", "[::1]", "[::ffff:127.0.0.1]"] {
            assert!(is_loopback_host(own), "{own}");
        }
        for other in
            ["", "localhost.example", "10.0.0.1", "0.0.0.0", "[::]", "[::ffff:10.0.0.1]", "[localhost]"]
        {
            assert!(!is_loopback_host(other), "{other}");
        }
    }
}
