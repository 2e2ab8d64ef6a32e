//! How many connections one client has, by its address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Counts the connections of each client. Asked once a connection, never by a call.
#[derive(Debug)]
pub(super) struct Clients {
    most: usize,
    open: Mutex<HashMap<Client, usize>>,
}

/// Whoever is behind an address: of IPv6, the whole network of 64 bits around it. Among the extensions of a request it says
/// where that came from, as far as a balancer before us is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Client(IpAddr);

impl Client {
    pub(crate) fn of(address: IpAddr) -> Self {
        Client(match address.to_canonical() {
            IpAddr::V6(address) => {
                let network = u128::from(address) >> 64 << 64;
                IpAddr::V6(Ipv6Addr::from(network))
            }
            address => address,
        })
    }
}

/// A connection that counts for as long as this lives.
#[derive(Debug)]
pub(super) struct Counted {
    clients: Arc<Clients>,
    client: Client,
}

impl Clients {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Clients {
            most,
            open: Mutex::default(),
        })
    }

    /// Counts one more, unless the client has as many as it may.
    pub(super) fn admit(self: &Arc<Self>, client: Client) -> Option<Counted> {
        // Nothing under this lock panics, and if it did a count would still be one.
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(client).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Counted {
            clients: Arc::clone(self),
            client,
        })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let open = &self.clients.open;
        let mut open = open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.client) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.client);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use super::*;

    #[test]
    fn each_client_has_its_own_count_and_gets_back_what_it_closed() {
        let clients = Clients::new(2);
        let from = |text: &str| clients.admit(Client::of(text.parse().unwrap()));
        let (first, _second) = (from("10.0.0.1").unwrap(), from("::ffff:10.0.0.1").unwrap());
        assert!(from("10.0.0.1").is_none());
        assert!(from("10.0.0.2").is_some());
        drop(first);
        assert!(from("10.0.0.1").is_some());
        let held = [
            from("2001:db8::1").unwrap(),
            from("2001:db8::2:0:0:1").unwrap(),
        ];
        assert!(from("2001:db8::3").is_none());
        assert!(from("2001:db8:0:1::3").is_some());
        drop(held);
        assert_eq!(clients.open.lock().unwrap().len(), 1);
    }
}
