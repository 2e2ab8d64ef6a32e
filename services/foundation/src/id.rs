//! Typed identifiers: a prefix that names the kind, then a UUIDv7 in Crockford base32 (the TypeID encoding).
//!
//! Clients see `cus_01h455vb4pex5vsknk084sn02q`; databases hold the UUID. Ids sort by the time they were made.

use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

use crate::time::Micros;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of an encoded 128-bit value: 2 padding bits and 128 bits, five to a character.
const ENCODED: usize = 26;

/// Why a text is not the id that was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// The prefix is missing or names another kind of id.
    #[error("an id of another kind")]
    Prefix,
    /// The part behind the prefix is not 26 characters of lower-case Crockford base32 holding 128 bits.
    #[error("not a well-formed id")]
    Suffix,
}

/// What every typed id offers, for code that is generic over them.
pub trait TypedId:
    Copy + Ord + std::hash::Hash + std::fmt::Display + Send + Sync + 'static
{
    /// The text before the underscore.
    const PREFIX: &'static str;
    /// Wraps a UUID read from a database.
    fn from_uuid(uuid: Uuid) -> Self;
    /// The UUID a database holds.
    fn uuid(self) -> Uuid;
    /// Reads the textual form.
    ///
    /// # Errors
    /// When the prefix or the suffix is not that of this kind of id.
    fn parse(text: &str) -> Result<Self, Malformed>;
}

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The text before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// A new id made at this moment: later calls in this process give greater ids.
            #[must_use]
            pub fn new(at: Micros) -> Self {
                Self(next_v7(at))
            }

            /// Wraps a UUID read from a database.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The UUID a database holds.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }

            /// The id of nothing: all bits zero. Never given to a resource.
            #[must_use]
            pub const fn nil() -> Self {
                Self(Uuid::nil())
            }
        }

        impl TypedId for $name {
            const PREFIX: &'static str = $prefix;
            fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }
            fn uuid(self) -> Uuid {
                self.0
            }
            fn parse(text: &str) -> Result<Self, Malformed> {
                decode($prefix, text).map(Self)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write_encoded($prefix, self.0, f)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write_encoded($prefix, self.0, f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = Malformed;
            fn from_str(text: &str) -> Result<Self, Malformed> {
                decode($prefix, text).map(Self)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Uuid {
                id.0
            }
        }

        impl From<$name> for sea_orm::Value {
            fn from(id: $name) -> sea_orm::Value {
                id.0.into()
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    )*
        /// The prefixes of all kinds.
        const PREFIXES: &[&str] = &[$($prefix),*];
    };
}

typed_ids! {
    /// A tenant: the company whose data this is.
    TenantId = "ten";
    /// A customer: the view over connected source records.
    CustomerId = "cus";
    /// A source record of a customer, immutable.
    RecordId = "rec";
    /// One identifier of a customer (a phone number, an address, a handle).
    IdentifierId = "idn";
    /// What is held to be known between two source records.
    EdgeId = "edg";
    /// One interaction in the log.
    InteractionId = "int";
    /// A file of a contact.
    MediaId = "med";
    /// A conversation: interactions of one matter across channels.
    ConversationId = "cnv";
    /// The way of a message of ours; its UUID is that of its interaction.
    OutboundId = "out";
    /// A change of which interactions are one conversation.
    ConversationChangeId = "cch";
    /// A ticket: the matter with its owner and its clocks.
    TicketId = "tkt";
    /// One field of a ticket that changed.
    TicketChangeId = "tch";
    /// A note about a ticket.
    TicketNoteId = "tnt";
    /// Tickets that one call is about.
    TicketPickId = "tpk";
    /// A work item: what needs an agent now.
    WorkItemId = "wki";
    /// A command to the connector that holds a contact.
    ContactCommandId = "cmd";
    /// An offer of a work item to one agent.
    OfferId = "ofr";
    /// An agent.
    AgentId = "agt";
    /// A queue.
    QueueId = "que";
    /// A calendar: when somebody is there.
    CalendarId = "cal";
    /// A policy: what is promised for some tickets.
    SlaPolicyId = "slp";
    /// A version of the policy that says where work goes.
    RoutingPolicyId = "rtp";
    /// A loyalty programme.
    ProgramId = "prg";
    /// A customer's membership in a programme.
    MemberId = "mem";
    /// A ledger entry.
    EntryId = "ent";
    /// Points held for a capture or a void.
    HoldId = "hld";
    /// A lot of points with its own activation and expiry.
    LotId = "lot";
    /// An event in a service's log.
    EventId = "evt";
    /// An API key.
    ApiKeyId = "key";
    /// A role made by a tenant.
    RoleId = "rol";
    /// That a principal holds a role.
    BindingId = "bnd";
    /// An order to keep contacts.
    LegalHoldId = "lgh";
    /// A revocation of tokens.
    RevocationId = "rev";
}

/// The greatest (millisecond, sub-millisecond) pair given out by this process, so that ids never go backwards
/// even when the clock does.
static LAST: AtomicU64 = AtomicU64::new(0);

fn next_v7(at: Micros) -> Uuid {
    let micros = u64::try_from(at.0).unwrap_or(0);
    // 48 bits of milliseconds, then 12 bits of the fraction: 1000 µs spread over 4096 steps.
    let wanted = ((micros / 1000) << 12) | ((micros % 1000) * 4096 / 1000);
    let stamp = LAST
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
            Some(wanted.max(last + 1))
        })
        .map_or(wanted, |last| wanted.max(last + 1));
    let high = (u128::from(stamp >> 12) << 80) | (0x7 << 76) | (u128::from(stamp & 0xfff) << 64);
    let low = (rand::random::<u64>() & 0x3fff_ffff_ffff_ffff) | 0x8000_0000_0000_0000;
    Uuid::from_u128(high | u128::from(low))
}

/// An id of any kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AnyId {
    prefix: &'static str,
    uuid: Uuid,
}

impl AnyId {
    /// Reads an id of any kind; none for every other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (prefix, _) = text.split_once('_')?;
        let prefix = PREFIXES.iter().find(|known| **known == prefix)?;
        let uuid = decode(prefix, text).ok()?;
        Some(Self { prefix, uuid })
    }

    /// The UUID a database holds.
    #[must_use]
    pub const fn uuid(self) -> Uuid {
        self.uuid
    }
}

impl std::fmt::Display for AnyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write_encoded(self.prefix, self.uuid, f)
    }
}

/// The digit behind each character; 32 where there is none.
static DIGITS: [u8; 256] = {
    let mut digits = [32; 256];
    let mut digit = 0;
    while digit < 32 {
        digits[ALPHABET[digit as usize] as usize] = digit;
        digit += 1;
    }
    digits
};

fn write_encoded(prefix: &str, uuid: Uuid, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
    let value = uuid.as_u128();
    let mut text = [b'0'; ENCODED];
    for (place, character) in text.iter_mut().rev().enumerate() {
        *character = ALPHABET[usize::from(((value >> (5 * place)) & 31) as u8)];
    }
    f.write_str(prefix)?;
    f.write_str("_")?;
    f.write_str(std::str::from_utf8(&text).map_err(|_| std::fmt::Error)?)
}

fn decode(prefix: &str, text: &str) -> Result<Uuid, Malformed> {
    let suffix = text
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('_'))
        .ok_or(Malformed::Prefix)?
        .as_bytes();
    // The first character carries three bits only: beyond '7' the value would not fit into 128 bits.
    if suffix.len() != ENCODED || suffix[0] > b'7' {
        return Err(Malformed::Suffix);
    }
    let mut value = 0_u128;
    for character in suffix {
        let digit = DIGITS[usize::from(*character)];
        if digit > 31 {
            return Err(Malformed::Suffix);
        }
        value = (value << 5) | u128::from(digit);
    }
    Ok(Uuid::from_u128(value))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn encoded(prefix: &str, uuid: &str) -> String {
        struct Show<'a>(&'a str, Uuid);
        impl std::fmt::Display for Show<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write_encoded(self.0, self.1, f)
            }
        }
        Show(prefix, uuid.parse().unwrap()).to_string()
    }

    #[test]
    fn the_published_vectors_encode_and_decode() {
        let vectors = [
            (
                "00000000-0000-0000-0000-000000000000",
                "00000000000000000000000000",
            ),
            (
                "00000000-0000-0000-0000-000000000001",
                "00000000000000000000000001",
            ),
            (
                "00000000-0000-0000-0000-00000000000a",
                "0000000000000000000000000a",
            ),
            (
                "00000000-0000-0000-0000-000000000010",
                "0000000000000000000000000g",
            ),
            (
                "00000000-0000-0000-0000-000000000020",
                "00000000000000000000000010",
            ),
            (
                "ffffffff-ffff-ffff-ffff-ffffffffffff",
                "7zzzzzzzzzzzzzzzzzzzzzzzzz",
            ),
            (
                "0110c853-1d09-52d8-d73e-1194e95b5f19",
                "0123456789abcdefghjkmnpqrs",
            ),
            (
                "01890a5d-ac96-774b-bcce-b302099a8057",
                "01h455vb4pex5vsknk084sn02q",
            ),
        ];
        for (uuid, suffix) in vectors {
            let text = format!("prefix_{suffix}");
            assert_eq!(encoded("prefix", uuid), text);
            assert_eq!(
                decode("prefix", &text).unwrap(),
                uuid.parse::<Uuid>().unwrap()
            );
        }
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        for text in [
            "",
            "cus",
            "cus_",
            "_01h455vb4pex5vsknk084sn02q",
            "CUS_01h455vb4pex5vsknk084sn02q",
            "cus_01H455VB4PEX5VSKNK084SN02Q",
            "cus_8zzzzzzzzzzzzzzzzzzzzzzzzz",
            "cus_01h455vb4pex5vsknk084sn02",
            "cus_01h455vb4pex5vsknk084sn02qq",
            "cus_01h455vb4pex5vsknk084sn02u",
            "cus_01h455vb4pex5vsknk084sn0é",
            "ten_01h455vb4pex5vsknk084sn02q",
        ] {
            assert!(text.parse::<CustomerId>().is_err(), "{text}");
        }
    }

    #[test]
    fn ids_rise_even_when_the_clock_goes_back() {
        let mut last = EventId::nil();
        for at in [2_000_000_000, 1_000, 2_000_000_001, 2_000_000_001] {
            let id = EventId::new(Micros(at));
            assert!(id > last);
            assert_eq!(id.uuid().get_version_num(), 7);
            assert_eq!(id.to_string().parse::<EventId>().unwrap(), id);
            last = id;
        }
    }
}
