//! Tying facts that came first to their contacts.

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::TenantId;
use rapport_foundation::seal::Subject;
use rapport_foundation::time::Micros;
use sea_orm::Value;

use super::facts::{About, BecameKnown, ContactKey, about, note_ends, row_of, seal};
use super::media::{self, Use};
use super::outbound::{self, Tell};
use super::{Store, body, known, numbers};
use crate::domain::Known;
use crate::domain::ending::Ending;

/// A fact whose contact came after it.
#[derive(Debug, Clone)]
pub(crate) struct Overtaken {
    pub(crate) tenant: TenantId,
    pub(crate) connector: String,
    /// The contact as the fact names it.
    pub(crate) external_id: String,
    /// The contact's own key: another one where the fact names a message of ours by the provider's id.
    pub(crate) contact: String,
    pub(crate) key: String,
    pub(crate) traceparent: String,
}

impl Store {
    /// Ties facts of one tenant to their contacts: from now on the contact's key seals them, so that erasing it reaches
    /// them. Answers what others are to be told. An end that its contact cannot have stays a fact without effect.
    pub(crate) async fn attach(
        &self,
        s: &Scoped,
        overtaken: &[Overtaken],
        now: Micros,
        tell: Tell,
    ) -> Result<Vec<BecameKnown>, Error> {
        let contacts: Vec<ContactKey<'_>> = overtaken
            .iter()
            .map(|one| (one.connector.as_str(), one.contact.as_str()))
            .collect();
        let about = about(s, &contacts).await?;
        let mut told = Vec::new();
        for (one, contact) in overtaken.iter().zip(&contacts) {
            if let Some(about) = about.get(contact) {
                told.extend(self.attach_one(s, one, about, now, tell).await?);
            }
        }
        Ok(told)
    }

    async fn attach_one(
        &self,
        s: &Scoped,
        one: &Overtaken,
        about: &About,
        now: Micros,
        tell: Tell,
    ) -> Result<Option<BecameKnown>, Error> {
        let row = (
            one.connector.as_str(),
            one.external_id.as_str(),
            one.key.as_str(),
        );
        let named: [Value; 3] = [row.0.into(), row.1.into(), row.2.into()];
        let taken = "delete from waiting_fact where tenant_id = $1 and connector = $2 and external_id = $3 and fact_key = $4";
        if s.raw_exec(taken, named.clone()).await? == 0 {
            // Another replica has done it.
            return Ok(None);
        }
        let Some(logged) = known::one(&self.vault, s, row).await? else {
            return Ok(None);
        };
        let fact = logged.fact;
        let sealed_for = (row.0, one.contact.as_str(), row.2);
        if sealed_for != row && known::one(&self.vault, s, sealed_for).await?.is_some() {
            // It was told again under the contact's own key.
            let told_twice = "delete from interaction_fact \
                              where tenant_id = $1 and connector = $2 and external_id = $3 and fact_key = $4";
            s.raw_exec(told_twice, named).await?;
            return Ok(None);
        }
        let subject: &Subject = &about.subject;
        let keys = self.vault.keys(s, std::slice::from_ref(subject)).await?;
        let body = body::encode_fact(&fact)?;
        let (body, raw) = seal(&keys, subject, sealed_for, &body, &fact.raw_payload.0)?;
        let kept = numbers::of_fact(s, &self.vault, row).await?;
        let kept = numbers::seal(&keys.require(subject)?, &row_of(sealed_for), &kept)?;
        let sealed = "update interaction_fact set subject_key = $5, body = $6, raw_payload = $7, numbers = $8, external_id = $9 \
                      where tenant_id = $1 and connector = $2 and external_id = $3 and fact_key = $4";
        let values = named.into_iter().chain([
            subject.as_str().into(),
            body.into(),
            raw.into(),
            kept.into(),
            one.contact.as_str().into(),
        ]);
        s.raw_exec(sealed, values).await?;
        if let Known::Delivery(delivery) = &fact.what {
            outbound::delivered(s, &[(about.id, delivery)], tell).await?;
        }
        let named = fact.what.named();
        let ready = media::ready(s, &self.vault, &named).await?;
        let using = Use {
            interaction: about.id,
            subject,
            media: &named,
        };
        media::tie(s, &ready, &keys, &[using]).await?;
        match about.ending(&fact, None) {
            Ok(Some((Ending::New, end))) => {
                note_ends(s, vec![(about.id, end, now)]).await?;
            }
            Ok(None) => {}
            Ok(Some((Ending::Known, _))) | Err(_) => return Ok(None),
        }
        let traceparent = (!one.traceparent.is_empty()).then(|| one.traceparent.clone());
        Ok(Some(about.became_known(&fact, traceparent)))
    }
}
