//! What reaches across tenants: the batcher's transaction, what is due, and the checking of all books.

use std::collections::HashMap;

use rapport_foundation::db::{Database, Error, Scoped, System};
use rapport_foundation::id::{MemberId, TenantId};
use rapport_foundation::idempotency;
use rapport_foundation::time::Micros;
use sea_orm::{ColumnTrait as _, Condition};
use uuid::Uuid;

use super::entities::{account, earning, entry, hold, lot};
use super::{Store, programs};
use crate::domain::{Account, Earning, Entry, Hold, Lot, Program};

/// One transaction over tenants, run again when it lost a race.
pub(crate) async fn write<T, E, F, Fut>(store: &Store, f: F) -> Result<T, E>
where
    F: FnMut(System) -> Fut + Send,
    Fut: Future<Output = Result<T, E>> + Send,
    T: Send,
    E: From<Error> + Send,
{
    store.db.system_write(f).await
}

/// Members for whom time has made something due, the longest due first.
pub(crate) async fn due(
    store: &Store,
    now: Micros,
    limit: u32,
) -> Result<Vec<(TenantId, MemberId)>, Error> {
    let rows: Vec<account::Model> = store
        .db
        .system_read(|s| async move {
            s.find::<account::Entity>()
                .filter(account::Column::NextDueAt.lte(now.0))
                .order_by_asc(account::Column::NextDueAt)
                .limit(u64::from(limit))
                .all()
                .await
        })
        .await?;
    let pair = |row: account::Model| {
        (
            TenantId::from_uuid(row.tenant_id),
            MemberId::from_uuid(row.member_id),
        )
    };
    Ok(rows.into_iter().map(pair).collect())
}

/// When time will make the next thing due.
pub(crate) async fn next_due_at(store: &Store) -> Result<Option<Micros>, Error> {
    let row = store
        .db
        .system_read(|s| async move {
            s.raw_one("select min(next_due_at) as at from accounts", [])
                .await
        })
        .await?;
    let at = row
        .map(|row| row.try_get::<Option<i64>>("", "at"))
        .transpose()?
        .flatten();
    Ok(at.map(Micros))
}

/// Forgets request ids outside the ledger that are past their time.
pub(crate) async fn forget_requests(store: &Store, now: Micros) -> Result<u64, Error> {
    idempotency::sweep(&store.db, now).await
}

/// Everything that is stored of one member.
pub(crate) struct StoredBook {
    pub(crate) account: Account,
    pub(crate) next_due_at: Option<Micros>,
    pub(crate) program: Option<Program>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) lots: Vec<Lot>,
    pub(crate) holds: Vec<Hold>,
    pub(crate) earnings: Vec<Earning>,
}

/// The account behind the last one looked at.
pub(crate) type Place = (Uuid, Uuid);

/// Accounts in the order of tenant and member, behind a place.
pub(crate) async fn accounts(
    db: &Database,
    after: Option<Place>,
    limit: u64,
) -> Result<Vec<(TenantId, MemberId)>, Error> {
    use account::Column as C;
    let rows: Vec<account::Model> = db
        .system_read(|s| async move {
            let mut rows = s.find::<account::Entity>();
            if let Some((tenant, member)) = after {
                let same = Condition::all()
                    .add(C::TenantId.eq(tenant))
                    .add(C::MemberId.gt(member));
                rows = rows.filter(Condition::any().add(C::TenantId.gt(tenant)).add(same));
            }
            rows.order_by_asc(C::TenantId)
                .order_by_asc(C::MemberId)
                .limit(limit)
                .all()
                .await
        })
        .await?;
    let pair = |row: account::Model| {
        (
            TenantId::from_uuid(row.tenant_id),
            MemberId::from_uuid(row.member_id),
        )
    };
    Ok(rows.into_iter().map(pair).collect())
}

/// The books of some members of one tenant.
pub(crate) async fn books(
    db: &Database,
    tenant: TenantId,
    members: &[MemberId],
) -> Result<Vec<StoredBook>, Error> {
    let ids: Vec<Uuid> = members.iter().map(|id| id.uuid()).collect();
    let ids = &ids;
    db.system_read(|all| async move { read_books(&all.scoped(tenant), ids).await })
        .await
}

async fn read_books(s: &Scoped, ids: &[Uuid]) -> Result<Vec<StoredBook>, Error> {
    let list = || ids.iter().copied();
    let rows = s.find::<account::Entity>();
    let accounts = rows
        .filter(account::Column::MemberId.is_in(list()))
        .all()
        .await?;
    let rows = s
        .find::<entry::Entity>()
        .filter(entry::Column::MemberId.is_in(list()));
    let entries = rows.order_by_asc(entry::Column::Sequence).all().await?;
    let mut entries = group(entries.into_iter().map(Entry::try_from), |entry| {
        entry.member
    })?;
    let lots = s
        .find::<lot::Entity>()
        .filter(lot::Column::MemberId.is_in(list()))
        .all()
        .await?;
    let mut lots = group(lots.into_iter().map(|row| Ok(Lot::from(row))), |lot| {
        lot.member
    })?;
    let holds = s
        .find::<hold::Entity>()
        .filter(hold::Column::MemberId.is_in(list()))
        .all()
        .await?;
    let mut holds = group(holds.into_iter().map(Hold::try_from), |hold| hold.member)?;
    let rows = s.find::<earning::Entity>();
    let earnings = rows
        .filter(earning::Column::MemberId.is_in(list()))
        .all()
        .await?;
    let mut earnings = group(earnings.into_iter().map(Earning::try_from), |one| {
        one.member
    })?;
    let mut books = Vec::new();
    for row in accounts {
        let next_due_at = row.next_due_at;
        let account = Account::try_from(row)?;
        let member = account.member;
        books.push(StoredBook {
            program: programs::get(s, account.program).await?,
            account,
            next_due_at,
            entries: entries.remove(&member).unwrap_or_default(),
            lots: lots.remove(&member).unwrap_or_default(),
            holds: holds.remove(&member).unwrap_or_default(),
            earnings: earnings.remove(&member).unwrap_or_default(),
        });
    }
    Ok(books)
}

fn group<T>(
    items: impl Iterator<Item = Result<T, Error>>,
    member: impl Fn(&T) -> MemberId,
) -> Result<HashMap<MemberId, Vec<T>>, Error> {
    let mut groups: HashMap<MemberId, Vec<T>> = HashMap::new();
    for item in items {
        let item = item?;
        groups.entry(member(&item)).or_default().push(item);
    }
    Ok(groups)
}

/// What points at something that is not there: the invariant, the tenant, and what it is.
pub(crate) async fn dangling(db: &Database) -> Result<Vec<(u8, TenantId, String)>, Error> {
    let mut found = Vec::new();
    for (invariant, what, sql) in DANGLING {
        let rows = db
            .system_read(|s| async move { s.raw_all(sql, Vec::new()).await })
            .await?;
        for row in rows {
            let tenant: Uuid = row.try_get("", "tenant_id")?;
            let count: i64 = row.try_get("", "many")?;
            found.push((
                *invariant,
                TenantId::from_uuid(tenant),
                format!("{count} {what}"),
            ));
        }
    }
    Ok(found)
}

/// Each answers the tenants with the number of rows that break the rule.
const DANGLING: &[(u8, &str, &str)] = &[
    (
        3,
        "members without an account",
        "select m.tenant_id, count(*) as many from members m where not exists \
         (select 1 from accounts a where a.tenant_id = m.tenant_id and a.member_id = m.id) \
         group by m.tenant_id",
    ),
    (
        3,
        "entries without an account",
        "select e.tenant_id, count(*) as many from entries e where not exists \
         (select 1 from accounts a where a.tenant_id = e.tenant_id and a.member_id = e.member_id) \
         group by e.tenant_id",
    ),
    (
        3,
        "lots without an account",
        "select l.tenant_id, count(*) as many from lots l where not exists \
         (select 1 from accounts a where a.tenant_id = l.tenant_id and a.member_id = l.member_id) \
         group by l.tenant_id",
    ),
    (
        2,
        "requests whose entry is not there",
        "select r.tenant_id, count(*) as many from ledger_requests r where r.entry_id is not null \
         and not exists (select 1 from entries e where e.tenant_id = r.tenant_id and e.id = r.entry_id \
         and e.member_id = r.member_id) group by r.tenant_id",
    ),
    (
        2,
        "requests that share an entry they each should have made",
        "select r.tenant_id, count(*) - count(distinct r.entry_id) as many from ledger_requests r \
         join entries e on e.tenant_id = r.tenant_id and e.id = r.entry_id \
         where e.order_id is null or e.kind <> 'earn' group by r.tenant_id \
         having count(*) > count(distinct r.entry_id)",
    ),
];
