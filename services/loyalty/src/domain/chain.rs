//! The chain: each entry carries the SHA-256 of its predecessor's hash and its own content, so that no
//! line can be changed, removed or put elsewhere without it showing.

use aws_lc_rs::digest::{Context, SHA256};
use rapport_foundation::id::{MemberId, ProgramId, TenantId};
use uuid::Uuid;

use super::{Bucket, Entry, EntryKind};

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

/// What the first entry of a member's chain stands on: a chain cannot be moved to another member,
/// programme or tenant.
pub(super) fn genesis(tenant: TenantId, program: ProgramId, member: MemberId) -> Hash {
    let mut content = Content::new(b"rapport.loyalty.chain.v1");
    content.id(tenant.uuid());
    content.id(program.uuid());
    content.id(member.uuid());
    content.finish()
}

/// The hash of an entry that follows the entry with hash `before`. The entry's own hash is not read.
pub(super) fn link(before: &Hash, entry: &Entry) -> Hash {
    let mut content = Content::new(&before.0);
    content.id(entry.id.uuid());
    content.id(entry.member.uuid());
    content.id(entry.program.uuid());
    content.number(entry.sequence);
    content.code(kind_code(entry.kind));
    content.number(entry.points);
    entry
        .postings
        .amounts()
        .iter()
        .for_each(|units| content.number(*units));
    content.count(entry.allocations.len());
    for allocation in &entry.allocations {
        content.id(allocation.lot.uuid());
        content.number(allocation.units);
        content.code(allocation.from.map_or(0, bucket_code));
        content.code(bucket_code(allocation.to));
        content.optional_number(allocation.expires_at.map(|at| at.0));
    }
    content.number(entry.available_after);
    content.number(entry.held_after);
    content.number(entry.debt_after);
    content.optional_id(entry.hold.map(|id| id.uuid()));
    content.optional_id(entry.reverses.map(|id| id.uuid()));
    content.optional_text(entry.cause.order_id.as_ref().map(|order| order.as_str()));
    content.optional_id(entry.cause.interaction.map(|id| id.uuid()));
    content.optional_text(entry.cause.reason.as_deref());
    content.number(entry.at.0);
    content.finish()
}

/// Written into hashes: never renumbered.
const fn kind_code(kind: EntryKind) -> u8 {
    match kind {
        EntryKind::Earn => 1,
        EntryKind::Hold => 2,
        EntryKind::Capture => 3,
        EntryKind::Void => 4,
        EntryKind::Expire => 5,
        EntryKind::Reverse => 6,
        EntryKind::DebtPayment => 7,
    }
}

/// Written into hashes: never renumbered. 0 stands for none.
const fn bucket_code(bucket: Bucket) -> u8 {
    match bucket {
        Bucket::Available => 1,
        Bucket::Held => 2,
        Bucket::Redeemed => 3,
        Bucket::Expired => 4,
        Bucket::Taken => 5,
    }
}

/// Every field has a fixed width or its length in front: two contents never encode alike.
struct Content(Context);

impl Content {
    fn new(start: &[u8]) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(start);
        Self(context)
    }

    fn code(&mut self, code: u8) {
        self.0.update(&[code]);
    }

    fn number(&mut self, number: i64) {
        self.0.update(&number.to_be_bytes());
    }

    fn count(&mut self, count: usize) {
        self.0.update(&(count as u64).to_be_bytes());
    }

    fn id(&mut self, id: Uuid) {
        self.0.update(id.as_bytes());
    }

    fn optional_number(&mut self, number: Option<i64>) {
        self.code(u8::from(number.is_some()));
        self.number(number.unwrap_or(0));
    }

    fn optional_id(&mut self, id: Option<Uuid>) {
        self.code(u8::from(id.is_some()));
        self.id(id.unwrap_or(Uuid::nil()));
    }

    fn optional_text(&mut self, text: Option<&str>) {
        self.code(u8::from(text.is_some()));
        let text = text.unwrap_or("");
        self.count(text.len());
        self.0.update(text.as_bytes());
    }

    fn finish(self) -> Hash {
        let digest = self.0.finish();
        let mut hash = [0; 32];
        hash.copy_from_slice(digest.as_ref());
        Hash(hash)
    }
}
