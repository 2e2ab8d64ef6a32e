//! Numbers that are kept sealed beside the texts they were taken out of: read by one call, and by nothing else.

use std::collections::BTreeMap;

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{InteractionId, TenantId};
use rapport_foundation::seal::{DataKey, Subject, Vault};
use sea_orm::{QueryResult, Value};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Store;
use super::contact::{bound, row_of};
use super::{conflicts, facts};
use crate::domain::{NumberKind, SealedNumber};

/// What tokens are made of: no digits and no vowels, so that none is a number or a word.
const LETTERS: &[u8; 16] = b"bcdfghjkmnpqrstv";
/// Bytes of a token: two numbers of one tenant share one with a chance of one in 10¹⁴ for each pair.
const TOKEN: usize = 6;

/// What stands for a number in the texts of a tenant.
pub(super) fn token(vault: &Vault, tenant: TenantId, kind: NumberKind, number: &str) -> String {
    let blinded = vault.blind(tenant, "number", &format!("{}\0{number}", kind.code()));
    let halves = blinded
        .iter()
        .take(TOKEN)
        .flat_map(|byte| [byte >> 4, byte & 15]);
    halves
        .filter_map(|half| LETTERS.get(usize::from(half)).copied())
        .map(char::from)
        .collect()
}

#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(rename = "t")]
    token: String,
    #[serde(rename = "k")]
    kind: i16,
    #[serde(rename = "n")]
    number: String,
}

/// Numbers as a column of a row holds them; nothing for none.
pub(super) fn seal(key: &DataKey, row: &[u8], numbers: &[SealedNumber]) -> Result<Vec<u8>, Error> {
    if numbers.is_empty() {
        return Ok(Vec::new());
    }
    let written = |one: &SealedNumber| Written {
        token: one.token.clone(),
        kind: one.kind.code(),
        number: one.number.expose().to_owned(),
    };
    let written: Vec<Written> = numbers.iter().map(written).collect();
    let written = serde_json::to_vec(&written)
        .map_err(|_| Error::Misconfigured("numbers cannot be encoded".into()))?;
    Ok(key.seal(&written, &bound(row, b"numbers")))
}

/// The numbers of a row; none when they were erased.
pub(super) fn open(
    key: Option<&DataKey>,
    row: &[u8],
    sealed: &[u8],
) -> Result<Vec<SealedNumber>, Error> {
    const UNKNOWN: Error = Error::Corrupt("stored numbers cannot be decoded");
    let (Some(key), false) = (key, sealed.is_empty()) else {
        return Ok(Vec::new());
    };
    let opened = match key.open(sealed, &bound(row, b"numbers")) {
        Err(Error::Erased) => return Ok(Vec::new()),
        opened => opened?,
    };
    let written: Vec<Written> = serde_json::from_slice(&opened).map_err(|_| UNKNOWN)?;
    let number = |one: Written| {
        Ok(SealedNumber {
            token: one.token,
            kind: NumberKind::from_code(one.kind).ok_or(UNKNOWN)?,
            number: one.number.into(),
        })
    };
    written.into_iter().map(number).collect()
}

/// The numbers of a fact, to be sealed with another key.
pub(super) async fn of_fact(
    s: &Scoped,
    vault: &Vault,
    named: (&str, &str, &str),
) -> Result<Vec<SealedNumber>, Error> {
    let sql = "select subject_key, numbers from interaction_fact \
               where tenant_id = $1 and connector = $2 and external_id = $3 and fact_key = $4";
    let values: [Value; 3] = [named.0.into(), named.1.into(), named.2.into()];
    match s.raw_one(sql, values).await? {
        Some(found) => Ok(opened(s, vault, vec![row(&found, facts::row_of(named))?]).await?),
        None => Ok(Vec::new()),
    }
}

/// A row with numbers, still sealed.
struct Row {
    subject: Subject,
    bound_to: Vec<u8>,
    numbers: Vec<u8>,
}

fn row(found: &QueryResult, bound_to: Vec<u8>) -> Result<Row, Error> {
    Ok(Row {
        subject: found.try_get("", "subject_key")?,
        bound_to,
        numbers: found.try_get("", "numbers")?,
    })
}

async fn opened(s: &Scoped, vault: &Vault, rows: Vec<Row>) -> Result<Vec<SealedNumber>, Error> {
    let subjects: Vec<Subject> = rows.iter().map(|row| row.subject.clone()).collect();
    let keys = vault.existing(s, &subjects).await?;
    let mut numbers = Vec::new();
    for row in rows {
        numbers.extend(open(
            keys.get(&row.subject).as_ref(),
            &row.bound_to,
            &row.numbers,
        )?);
    }
    Ok(numbers)
}

impl Store {
    /// The numbers kept of an interaction, of its facts and of what was refused under its key, each once; nothing when
    /// there is no such interaction.
    pub(crate) async fn sealed_numbers(
        &self,
        tenant: TenantId,
        id: InteractionId,
    ) -> Result<Option<Vec<SealedNumber>>, Error> {
        self.db
            .read(tenant, async |s| {
                let Some(rows) = rows_of(&s, id).await? else {
                    return Ok(None);
                };
                let numbers = opened(&s, &self.vault, rows).await?;
                let once: BTreeMap<String, SealedNumber> = numbers
                    .into_iter()
                    .map(|one| (one.token.clone(), one))
                    .collect();
                Ok(Some(once.into_values().collect()))
            })
            .await
    }
}

async fn rows_of(s: &Scoped, id: InteractionId) -> Result<Option<Vec<Row>>, Error> {
    let sql = "select connector, external_id, subject_key, numbers from interaction where tenant_id = $1 and id = $2";
    let Some(found) = s.raw_one(sql, [id.uuid().into()]).await? else {
        return Ok(None);
    };
    let connector: String = found.try_get("", "connector")?;
    let external_id: String = found.try_get("", "external_id")?;
    let mut rows = vec![row(&found, row_of(id.uuid()).to_vec())?];
    let sql = "select fact_key, subject_key, numbers from interaction_fact \
               where tenant_id = $1 and connector = $2 and external_id = $3 and length(numbers) > 0";
    let contact: [Value; 2] = [connector.as_str().into(), external_id.as_str().into()];
    for found in s.raw_all(sql, contact).await? {
        let key: String = found.try_get("", "fact_key")?;
        rows.push(row(
            &found,
            facts::row_of((&connector, &external_id, &key)),
        )?);
    }
    let sql = "select interaction_id, content_digest, subject_key, numbers from interaction_conflict \
               where tenant_id = $1 and interaction_id = $2 and length(numbers) > 0";
    for found in s.raw_all(sql, [id.uuid().into()]).await? {
        let first = InteractionId::from_uuid(found.try_get::<Uuid>("", "interaction_id")?);
        let digest: Vec<u8> = found.try_get("", "content_digest")?;
        rows.push(row(&found, conflicts::row(first, &digest))?);
    }
    Ok(Some(rows))
}

#[cfg(test)]
mod tests {
    use rapport_foundation::seal::Keyring;
    use rapport_foundation::time::Micros;

    use super::*;

    #[test]
    fn a_token_is_the_same_for_the_same_number_of_a_tenant_and_no_other() {
        let vault = Vault::new(Keyring::single([1; 32]));
        let tenants = [TenantId::new(Micros(1)), TenantId::new(Micros(1))];
        let of = |tenant: usize, kind, number| token(&vault, tenants[tenant], kind, number);
        let card = of(0, NumberKind::Card, "4111111111111111");
        assert_eq!(card, of(0, NumberKind::Card, "4111111111111111"));
        assert_ne!(card, of(1, NumberKind::Card, "4111111111111111"));
        assert_ne!(card, of(0, NumberKind::Account, "4111111111111111"));
        assert_ne!(card, of(0, NumberKind::Card, "4111111111111112"));
        assert!(card.len() == 12 && card.bytes().all(|letter| LETTERS.contains(&letter)));
    }
}
