//! Second contents of taken keys, kept beside the first.

use rapport_foundation::db::bulk::{self, Type};
use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{InteractionId, TenantId};
use rapport_foundation::seal::SubjectKeys;
use sea_orm::Value;
use uuid::Uuid;

use super::Store;
use super::contact;
use super::record::Telling;
use crate::domain::Conflict;

/// Keeps one refused content; the same content again is kept once.
pub(super) async fn keep(
    s: &Scoped,
    telling: &Telling,
    first: InteractionId,
    keys: &SubjectKeys,
) -> Result<(), Error> {
    let known = "select 1 as one from interaction_conflict \
                 where tenant_id = $1 and interaction_id = $2 and content_digest = $3";
    let content: [Value; 2] = [first.uuid().into(), telling.digest.clone().into()];
    if s.raw_one(known, content).await?.is_some() {
        return Ok(());
    }
    let last =
        "select coalesce(max(number), 0) as last from interaction_conflict where tenant_id = $1";
    let last: i64 = s
        .raw_one(last, [])
        .await?
        .map(|row| row.try_get("", "last"))
        .transpose()?
        .unwrap_or(0);
    let number = last + 1;

    let mut columns = vec![("number", Type::Big), ("interaction_id", Type::Uuid)];
    columns.extend(contact::COLUMNS);
    let mut values: Vec<Value> = vec![number.into(), first.uuid().into()];
    let row = row(first, &telling.digest);
    values.extend(contact::values(
        &telling.contact,
        &telling.beside(&row),
        &keys.require(&telling.subject)?,
    )?);
    let inserted = bulk::insert(
        s,
        "interaction_conflict",
        &columns,
        vec![values],
        "on conflict do nothing",
    )
    .await?;
    // Another replica kept one at the same time: the number is taken.
    if inserted == 1 {
        Ok(())
    } else {
        Err(s.raced())
    }
}

/// What is sealed opens in this row only.
pub(super) fn row(first: InteractionId, digest: &[u8]) -> Vec<u8> {
    [b"conflict/".as_slice(), first.uuid().as_bytes(), digest].concat()
}

impl Store {
    /// Conflicts below a number, newest first, of all connectors or of one: as many as fit into `most` and `bytes`, and
    /// whether there are more.
    pub(crate) async fn conflicts(
        &self,
        tenant: TenantId,
        connector: Option<&str>,
        before: i64,
        most: u32,
        bytes: usize,
    ) -> Result<(Vec<Conflict>, bool), Error> {
        self.db
            .read(tenant, async |s| {
                let sizes = "select number, cast(length(body) + length(raw_payload) as bigint) as size from interaction_conflict i \
                             where tenant_id = $1 and number < $2 and ($3 = '' or connector = $3) \
                             order by number desc limit $4";
                let values: [Value; 3] =
                    [before.into(), connector.unwrap_or_default().into(), (i64::from(most) + 1).into()];
                let mut numbers = Vec::new();
                let (mut total, mut more) = (0_usize, false);
                for row in s.raw_all(sizes, values).await? {
                    total += usize::try_from(row.try_get::<i64>("", "size")?).unwrap_or(0);
                    if numbers.len() == most as usize || (!numbers.is_empty() && total > bytes) {
                        more = true;
                        break;
                    }
                    numbers.push(row.try_get::<i64>("", "number")?);
                }
                Ok((self.load_conflicts(&s, &numbers).await?, more))
            })
            .await
    }

    /// The numbers of the conflicts with one interaction.
    pub(crate) async fn conflicts_of(
        &self,
        tenant: TenantId,
        id: InteractionId,
    ) -> Result<Vec<i64>, Error> {
        let sql = "select number from interaction_conflict where tenant_id = $1 and interaction_id = $2 order by number";
        let read = self
            .db
            .read(tenant, async |s| s.raw_all(sql, [id.uuid().into()]).await);
        let rows = read.await?;
        rows.iter()
            .map(|row| Ok(row.try_get("", "number")?))
            .collect()
    }

    /// One conflict.
    pub(crate) async fn conflict(
        &self,
        tenant: TenantId,
        number: i64,
    ) -> Result<Option<Conflict>, Error> {
        let read = self
            .db
            .read(tenant, async |s| self.load_conflicts(&s, &[number]).await);
        Ok(read.await?.into_iter().next())
    }

    async fn load_conflicts(&self, s: &Scoped, numbers: &[i64]) -> Result<Vec<Conflict>, Error> {
        const KEY: [(&str, Type); 1] = [("number", Type::Big)];
        let rows = numbers
            .iter()
            .map(|number| vec![Value::from(*number)])
            .collect();
        let query = "select i.* from k cross join interaction_conflict i \
                     where i.tenant_id = $1 and i.number = k.number";
        let mut sealed = Vec::with_capacity(numbers.len());
        for row in bulk::select(s, &KEY, rows, query).await? {
            let number: i64 = row.try_get("", "number")?;
            let first = InteractionId::from_uuid(row.try_get::<Uuid>("", "interaction_id")?);
            let digest: Vec<u8> = row.try_get("", "content_digest")?;
            sealed.push((number, first, digest, contact::read(&row, true)?));
        }
        sealed.sort_by_key(|(number, ..)| std::cmp::Reverse(*number));
        let subjects: Vec<String> = sealed
            .iter()
            .map(|(.., sealed)| sealed.subject.clone())
            .collect();
        let keys = self.vault.existing(s, &subjects).await?;
        let open = |(number, interaction, digest, sealed): (
            i64,
            InteractionId,
            Vec<u8>,
            contact::Sealed,
        )| {
            let received_at = sealed.received_at;
            let contact = sealed.open(&row(interaction, &digest), &keys)?;
            Ok(Conflict {
                number,
                interaction,
                contact,
                received_at,
            })
        };
        sealed.into_iter().map(open).collect()
    }
}
