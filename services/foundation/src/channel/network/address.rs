//! Where a service is: one URL or several, each a host with one address or several.

use std::net::{IpAddr, SocketAddr};

use http::Uri;
use http::uri::{Authority, Scheme};

/// One URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) scheme: Scheme,
    pub(super) authority: Authority,
    /// Without the brackets of an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
}

impl Address {
    /// Reads `http://host:port`, `https://…` and the same with `dns+` in front.
    pub(super) fn parse(url: &str, tls: bool) -> Result<Self, String> {
        // Every host is looked up again and again; the prefix only says so.
        let plain = url.strip_prefix("dns+").unwrap_or(url);
        let uri: Uri = plain.parse().map_err(|error| format!("{error}"))?;
        let parts = uri.into_parts();
        let (scheme, port) = match (parts.scheme, tls) {
            (Some(scheme), false) if scheme == Scheme::HTTP => (scheme, 80),
            (Some(scheme), true) if scheme == Scheme::HTTPS => (scheme, 443),
            (Some(scheme), false) if scheme == Scheme::HTTPS => {
                return Err("https needs TLS settings".into());
            }
            (Some(scheme), true) if scheme == Scheme::HTTP => {
                return Err("TLS is configured, so it must begin with https".into());
            }
            _ => return Err("it must begin with http:// or https://".into()),
        };
        let authority = parts.authority.ok_or("it names no host")?;
        if authority.as_str().contains('@') {
            return Err("it must not name a user".into());
        }
        if parts.path_and_query.is_some_and(|path| path != "/") {
            return Err("it must end after the port".into());
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        if host.is_empty() {
            return Err("it names no host".into());
        }
        let port = authority.port_u16().unwrap_or(port);
        Ok(Address {
            scheme,
            authority,
            host,
            port,
        })
    }

    /// The address, when no name has to be looked up.
    pub(super) fn literal(&self) -> Option<SocketAddr> {
        let ip: IpAddr = self.host.parse().ok()?;
        Some(SocketAddr::new(ip, self.port))
    }

    /// Every address of the host.
    pub(super) async fn resolve(&self) -> std::io::Result<Vec<SocketAddr>> {
        if let Some(address) = self.literal() {
            return Ok(vec![address]);
        }
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await?;
        Ok(found.take(MOST_ADDRESSES).collect())
    }
}

/// Replicas one name may stand for: a resolver's answer is an input like any other.
const MOST_ADDRESSES: usize = 256;

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    #[test]
    fn a_url_is_a_scheme_a_host_and_a_port_and_nothing_more() {
        for (url, host, port) in [
            ("http://profiles:7000", "profiles", 7000),
            ("dns+http://profiles", "profiles", 80),
            ("http://[::1]:1/", "::1", 1),
        ] {
            let address = Address::parse(url, false).unwrap();
            assert_eq!((address.host.as_str(), address.port), (host, port), "{url}");
        }
        assert_eq!(Address::parse("https://a", true).unwrap().port, 443);
        for url in [
            "",
            "http://",
            "http://a/b",
            "http://a?b",
            "http://u:p@a",
            "dns+ftp://a",
            "dns+dns+http://a",
            "//a",
        ] {
            assert!(Address::parse(url, false).is_err(), "{url}");
        }
    }
}
