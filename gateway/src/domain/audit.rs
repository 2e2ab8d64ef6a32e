//! The audit trail as a chain: each entry carries the hash of the one before it, each anchor that of the anchor before it.
//!
//! Every process of the gateway has a chain of its own, so none waits for another. The anchors of all of them are one
//! chain: whoever cuts off the end of an old chain would have to change every anchor that was written since.

use aws_lc_rs::digest::{Context, SHA256};
use rapport_foundation::context::PrincipalKind;
use rapport_foundation::id::{AnyId, TenantId};
use rapport_foundation::time::Micros;
use uuid::Uuid;

mod check;

pub use check::{Anchored, ChainCheck, Fault, Place, check_anchors};

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Hash(pub [u8; 32]);

impl Hash {
    /// From the bytes of a database row.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What is kept of a call. No personal data: a principal is an identifier from a credential, resources are ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Whose data it was about; nil outside any tenant.
    pub tenant: TenantId,
    /// When it ended.
    pub at: Micros,
    /// How long it took, in microseconds.
    pub duration_us: i64,
    /// Who vouches for the principal; empty in entries written before that was noted.
    pub issuer: String,
    /// Who called.
    pub principal: String,
    /// What kind of party that is.
    pub kind: PrincipalKind,
    /// Whom the principal spoke for; empty for itself.
    pub on_behalf_of: String,
    /// `package.Service/Method`.
    pub method: String,
    /// The status code of the protocol.
    pub outcome: i16,
    /// The resources it named, as many as were kept.
    pub resources: Vec<AnyId>,
    /// How many it named.
    pub resource_count: i64,
    /// Whether it succeeded and nobody said what it touched.
    pub untold: bool,
    /// Its `x-request-id`.
    pub request_id: String,
    /// Its trace in hexadecimal; empty without one.
    pub trace_id: String,
}

impl Call {
    /// The resources as they are stored.
    #[must_use]
    pub fn resource_list(&self) -> String {
        let ids: Vec<String> = self.resources.iter().map(ToString::to_string).collect();
        ids.join(",")
    }
}

/// A call in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Whose chain it is in.
    pub replica: Uuid,
    /// Its place there, from 1.
    pub seq: i64,
    /// What happened.
    pub call: Call,
    /// The hash of the entry before it and of this one.
    pub hash: Hash,
}

impl Entry {
    /// The hash the entry should have behind this one.
    #[must_use]
    pub fn linked(&self, before: &Hash) -> Hash {
        link(before, self.replica, self.seq, &self.call)
    }
}

/// The end of one process's chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain {
    /// Whose it is.
    pub replica: Uuid,
    /// How many entries it has.
    pub seq: i64,
    /// The hash of the last one.
    pub hash: Hash,
}

impl Chain {
    /// A chain without entries. It stands on the name of its process: none can be passed off as another's.
    #[must_use]
    pub fn new(replica: Uuid) -> Self {
        let mut content = Content::new(b"rapport.audit.chain.v1");
        content.uuid(replica);
        let hash = content.finish();
        Self {
            replica,
            seq: 0,
            hash,
        }
    }

    /// The chain with one entry more.
    pub fn append(&mut self, call: Call) -> Entry {
        self.seq += 1;
        self.hash = link(&self.hash, self.replica, self.seq, &call);
        Entry {
            replica: self.replica,
            seq: self.seq,
            call,
            hash: self.hash,
        }
    }
}

/// What was added to entries later stands at the end, and only where it is there: entries of before keep their hash, and
/// whoever takes it out of an entry, or puts it in, changes the hash.
fn link(before: &Hash, replica: Uuid, seq: i64, call: &Call) -> Hash {
    let mut content = Content::new(&before.0);
    content.uuid(replica);
    content.number(seq);
    content.uuid(call.tenant.uuid());
    content.number(call.at.0);
    content.number(call.duration_us);
    content.text(&call.principal);
    content.number(kind_code(call.kind).into());
    content.text(&call.on_behalf_of);
    content.text(&call.method);
    content.number(call.outcome.into());
    content.text(&call.resource_list());
    content.number(call.resource_count);
    content.number(call.untold.into());
    content.text(&call.request_id);
    content.text(&call.trace_id);
    if !call.issuer.is_empty() {
        content.text(&call.issuer);
    }
    content.finish()
}

/// Stored and written into hashes: never renumbered.
#[must_use]
pub const fn kind_code(kind: PrincipalKind) -> i16 {
    match kind {
        PrincipalKind::Staff => 1,
        PrincipalKind::System => 2,
        PrincipalKind::Connector => 3,
        PrincipalKind::Customer => 4,
        PrincipalKind::Service => 5,
        PrincipalKind::Operator => 6,
    }
}

/// The kind behind a code.
#[must_use]
pub const fn kind_of(code: i16) -> Option<PrincipalKind> {
    Some(match code {
        1 => PrincipalKind::Staff,
        2 => PrincipalKind::System,
        3 => PrincipalKind::Connector,
        4 => PrincipalKind::Customer,
        5 => PrincipalKind::Service,
        6 => PrincipalKind::Operator,
        _ => return None,
    })
}

/// Where a chain stood at a moment, in the chain of all anchors.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// Its place among the anchors, from 1.
    pub n: i64,
    /// The end of the chain it holds.
    pub chain: Chain,
    /// When it was written.
    pub at: Micros,
    /// The hash of the anchor before it and of this one.
    pub hash: Hash,
}

impl Anchor {
    /// The anchor behind this one; the first behind none.
    #[must_use]
    pub fn behind(before: Option<&Anchor>, chain: Chain, at: Micros) -> Self {
        let n = before.map_or(1, |anchor| anchor.n + 1);
        let mut anchor = Self {
            n,
            chain,
            at,
            hash: chain.hash,
        };
        anchor.hash = anchor.linked(before.map(|anchor| &anchor.hash));
        anchor
    }

    /// The hash the anchor should have behind this one.
    #[must_use]
    pub fn linked(&self, before: Option<&Hash>) -> Hash {
        let mut content = Content::new(b"rapport.audit.anchor.v1");
        content.bytes(before.map_or(&[], |hash| &hash.0));
        content.number(self.n);
        content.uuid(self.chain.replica);
        content.number(self.chain.seq);
        content.bytes(&self.chain.hash.0);
        content.number(self.at.0);
        content.finish()
    }
}

/// What goes into a hash, each part with its length: no two contents have the same bytes.
struct Content(Context);

impl Content {
    fn new(before: &[u8]) -> Self {
        let mut content = Self(Context::new(&SHA256));
        content.bytes(before);
        content
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn number(&mut self, number: i64) {
        self.0.update(&number.to_be_bytes());
    }

    fn uuid(&mut self, uuid: Uuid) {
        self.0.update(uuid.as_bytes());
    }

    fn finish(self) -> Hash {
        let mut hash = [0; 32];
        hash.copy_from_slice(self.0.finish().as_ref());
        Hash(hash)
    }
}
