//! The PROXY protocol, version 2: a balancer that only passes bytes says before them whose they are
//! (haproxy.org, "The PROXY protocol", 2.2). Believed only where the settings say that a balancer stands before us:
//! otherwise everybody could say they were somebody else.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use tokio::io::{AsyncRead, AsyncReadExt as _};

const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Addresses take up to 216 bytes; what balancers add to them is short.
const LONGEST: usize = 536;

/// What the sixteen bytes at the beginning say.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    /// The balancer speaks for itself: it looks whether we are there.
    local: bool,
    family: u8,
    length: usize,
}

/// Reads the header. The time is the caller's to bound. None: the balancer does not say who, and the address of the
/// socket counts.
pub(super) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<IpAddr>> {
    let mut head = [0; 16];
    stream.read_exact(&mut head).await?;
    let head = parse(&head).ok_or(io::ErrorKind::InvalidData)?;
    let mut rest = [0; LONGEST];
    let rest = &mut rest[..head.length];
    stream.read_exact(rest).await?;
    Ok(source(&head, rest))
}

fn parse(head: &[u8; 16]) -> Option<Head> {
    let (signature, &[command, family, high, low]) = head.split_first_chunk::<12>()? else {
        return None;
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let known = signature == SIGNATURE && matches!(command, 0x20 | 0x21) && length <= LONGEST;
    known.then_some(Head {
        local: command == 0x20,
        family: family >> 4,
        length,
    })
}

fn source(head: &Head, rest: &[u8]) -> Option<IpAddr> {
    match head.family {
        _ if head.local => None,
        1 => rest
            .first_chunk::<4>()
            .filter(|_| rest.len() >= 12)
            .map(|bytes| Ipv4Addr::from(*bytes).into()),
        2 => rest
            .first_chunk::<16>()
            .filter(|_| rest.len() >= 36)
            .map(|bytes| Ipv6Addr::from(*bytes).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

    use proptest::prelude::*;

    use super::*;

    fn header(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, rest].concat()
    }

    #[tokio::test]
    async fn the_address_is_what_the_balancer_says() {
        let four = [192, 0, 2, 7, 10, 0, 0, 1, 1, 2, 3, 4];
        let mut six = [0; 36];
        six[15] = 1;
        for (bytes, expected) in [
            (header(0x21, 0x11, &four), Some("192.0.2.7")),
            (
                header(0x21, 0x11, &[&four[..], &[4, 0, 1, 9]].concat()),
                Some("192.0.2.7"),
            ),
            (header(0x21, 0x21, &six), Some("::1")),
            (header(0x20, 0x11, &four), None),
            (header(0x21, 0x31, &[0; 216]), None),
            (header(0x21, 0x11, &four[..8]), None),
        ] {
            let read = read(&mut &bytes[..]).await.unwrap();
            assert_eq!(read, expected.map(|text| text.parse().unwrap()));
        }
        for bytes in [
            b"PROXY TCP4 192.0.2.7 10.0.0.1 1 2\r\n".to_vec(),
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
            header(0x11, 0x11, &four),
            header(0x21, 0x11, &[0; LONGEST + 1]),
            header(0x21, 0x11, &four)[..20].to_vec(),
        ] {
            assert!(read(&mut &bytes[..]).await.is_err(), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_do_harm(mut bytes in prop::collection::vec(any::<u8>(), 16..700), ours: bool) {
            if ours {
                bytes[..14].copy_from_slice(&header(0x21, 0x11, &[])[..14]);
            }
            let head: &[u8; 16] = bytes.first_chunk().unwrap();
            if let Some(head) = parse(head) {
                prop_assert!(ours && head.length <= LONGEST);
                source(&head, &bytes[16..]);
            }
        }
    }
}
