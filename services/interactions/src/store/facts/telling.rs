//! Facts on their way into the log, and what becomes of them.

use std::collections::BTreeSet;

use rapport_foundation::id::{ConversationId, InteractionId, MediaId, TenantId};
use rapport_foundation::seal::{Subject, Vault};
use rapport_foundation::time::Micros;

use super::ContactKey;
use crate::domain::ending::Refused;
use crate::domain::numbers::Taking;
use crate::domain::{EndReason, Fact, FactKind, Numbers, SealedNumber, content, privacy};
use crate::store::numbers;

/// One fact on its way into the log, with everything that can be worked out before the transaction.
#[derive(Debug, Clone)]
pub(crate) struct FactTelling {
    pub(crate) tenant: TenantId,
    pub(crate) connector: String,
    pub(crate) fact: Fact,
    pub(crate) received_at: Micros,
    pub(crate) traceparent: Option<String>,
    pub(in crate::store) digest: Vec<u8>,
    /// The files it names.
    pub(in crate::store) media: BTreeSet<MediaId>,
    /// Whose key seals it until its contact is here.
    pub(in crate::store) waiting: Subject,
    /// What was taken out of its texts and is kept.
    pub(in crate::store) sealed: Vec<SealedNumber>,
}

impl FactTelling {
    /// A fact without what must not be seen. What tells duplicates apart is of the fact as it was told.
    pub(crate) fn new(
        vault: &Vault,
        tenant: TenantId,
        connector: &str,
        fact: Fact,
        numbers: Numbers,
        now: Micros,
        traceparent: Option<String>,
    ) -> Self {
        let token = |kind, number: &str| numbers::token(vault, tenant, kind, number);
        let mut taking = Taking::new(numbers, &token);
        Self {
            digest: vault.blind(tenant, "fact", &content::canonical_fact(&fact)),
            media: fact.what.named(),
            waiting: waiting(vault, tenant, (connector, &fact.external_id)),
            tenant,
            connector: connector.to_owned(),
            fact: privacy::mask_fact(fact, &mut taking),
            received_at: now,
            traceparent,
            sealed: taking.kept(),
        }
    }

    pub(in crate::store) fn contact(&self) -> ContactKey<'_> {
        (&self.connector, &self.fact.external_id)
    }
}

/// Whose key seals what is known of a contact that is not here yet.
fn waiting(vault: &Vault, tenant: TenantId, (connector, external_id): ContactKey<'_>) -> Subject {
    hex::encode(vault.blind(tenant, "contact", &format!("{connector}\0{external_id}")))
}

/// What became of a fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FactOutcome {
    /// It was logged, about this interaction or before there is one.
    Fresh(Option<InteractionId>),
    /// It had been logged before.
    Duplicate(Option<InteractionId>),
    /// Another fact holds its key.
    Conflict,
    /// The contact cannot end this way.
    Refused(Refused),
    /// The contact has as many facts as it may.
    Full,
    /// It names this file, which is not there.
    NamesNoMedia(MediaId),
}

/// A fact of an interaction that is here, as the others are told of it.
#[derive(Debug, Clone)]
pub(crate) struct BecameKnown {
    pub(crate) interaction: InteractionId,
    pub(crate) conversation: ConversationId,
    pub(crate) kind: FactKind,
    pub(crate) at: Micros,
    /// Why it ended, when that is what became known.
    pub(crate) end: Option<EndReason>,
    pub(crate) traceparent: Option<String>,
}
