//! Reading and writing ledgers, many members at a time.

use std::collections::HashSet;

use rapport_foundation::db::{Error, Scoped};
use rapport_foundation::id::{EntryId, HoldId, LotId, MemberId, ProgramId};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, IntoActiveModel as _, Value};
use uuid::Uuid;

use super::entities::{account, earning, entry, hold, lot};
use crate::domain::{Account, Changes, Earning, Entry, Hold, Ledger, Lot, OrderId};

/// Values in one list of a query: far below what the engines take.
const LIST: usize = 1_000;
/// Rows in one insert: an entry has 24 columns, SQLite takes 32,766 values.
const ROWS: usize = 500;

/// Accounts of these members. In a transaction nobody else changes them until it ends: they are locked in
/// the order of their ids, so that two transactions never wait for each other.
pub(crate) async fn lock_accounts(s: &Scoped, members: &[Uuid]) -> Result<Vec<Account>, Error> {
    let mut accounts = Vec::new();
    for list in members.chunks(LIST) {
        let rows = s
            .find::<account::Entity>()
            .filter(account::Column::MemberId.is_in(list.iter().copied()))
            .order_by_asc(account::Column::MemberId)
            .for_update()
            .all()
            .await?;
        for row in rows {
            accounts.push(Account::try_from(row)?);
        }
    }
    Ok(accounts)
}

/// The account of one member, not locked.
pub(crate) async fn account(s: &Scoped, member: MemberId) -> Result<Option<Account>, Error> {
    let rows = s.find::<account::Entity>();
    let row = rows
        .filter(account::Column::MemberId.eq(member.uuid()))
        .one()
        .await?;
    row.map(Account::try_from).transpose()
}

/// One member's ledger as it was at one moment; `None` when there is no such member. The statements of a
/// read share no snapshot: what was torn by a concurrent write is read again.
pub(crate) async fn snapshot(s: &Scoped, member: MemberId) -> Result<Option<Ledger>, Error> {
    let Some(mut seen) = account(s, member).await? else {
        return Ok(None);
    };
    for _ in 0..8 {
        let lots = live_lots(s, &[member.uuid()]).await?;
        let holds = open_holds(s, &[member.uuid()]).await?;
        let Some(after) = account(s, member).await? else {
            return Ok(None);
        };
        if after.version == seen.version {
            return Ok(Some(Ledger::restore(seen, lots, holds)));
        }
        seen = after;
    }
    Err(Error::Busy)
}

/// Lots of these members that have something in them.
pub(crate) async fn live_lots(s: &Scoped, members: &[Uuid]) -> Result<Vec<Lot>, Error> {
    let mut lots = Vec::new();
    for list in members.chunks(LIST) {
        let rows = s
            .find::<lot::Entity>()
            .filter(lot::Column::MemberId.is_in(list.iter().copied()))
            // In the words of the partial index.
            .filter(Expr::cust("(available > 0 or held > 0)"))
            .all()
            .await?;
        lots.extend(rows.into_iter().map(Lot::from));
    }
    Ok(lots)
}

/// Lots by id, empty ones as well.
pub(crate) async fn lots(s: &Scoped, ids: HashSet<LotId>) -> Result<Vec<Lot>, Error> {
    let ids: Vec<Uuid> = ids.into_iter().map(LotId::uuid).collect();
    let mut lots = Vec::new();
    for list in ids.chunks(LIST) {
        let rows = s.find::<lot::Entity>();
        let rows = rows
            .filter(lot::Column::Id.is_in(list.iter().copied()))
            .all()
            .await?;
        lots.extend(rows.into_iter().map(Lot::from));
    }
    Ok(lots)
}

/// Open holds of these members.
pub(crate) async fn open_holds(s: &Scoped, members: &[Uuid]) -> Result<Vec<Hold>, Error> {
    let mut holds = Vec::new();
    for list in members.chunks(LIST) {
        let rows = s
            .find::<hold::Entity>()
            .filter(hold::Column::MemberId.is_in(list.iter().copied()))
            .filter(Expr::cust("state = 'open'"))
            .all()
            .await?;
        for row in rows {
            holds.push(Hold::try_from(row)?);
        }
    }
    Ok(holds)
}

/// Holds by id.
pub(crate) async fn holds(
    s: &Scoped,
    ids: impl IntoIterator<Item = HoldId>,
) -> Result<Vec<Hold>, Error> {
    let ids: Vec<Uuid> = ids.into_iter().map(HoldId::uuid).collect();
    let mut holds = Vec::new();
    for list in ids.chunks(LIST) {
        let rows = s.find::<hold::Entity>();
        for row in rows
            .filter(hold::Column::Id.is_in(list.iter().copied()))
            .all()
            .await?
        {
            holds.push(Hold::try_from(row)?);
        }
    }
    Ok(holds)
}

/// Entries by id.
pub(crate) async fn entries(
    s: &Scoped,
    ids: impl IntoIterator<Item = EntryId>,
) -> Result<Vec<Entry>, Error> {
    entries_where(s, entry::Column::Id, ids).await
}

/// What was taken back of these entries.
pub(crate) async fn reversals(
    s: &Scoped,
    ids: impl IntoIterator<Item = EntryId>,
) -> Result<Vec<Entry>, Error> {
    entries_where(s, entry::Column::Reverses, ids).await
}

async fn entries_where(
    s: &Scoped,
    column: entry::Column,
    ids: impl IntoIterator<Item = EntryId>,
) -> Result<Vec<Entry>, Error> {
    let ids: Vec<Uuid> = ids.into_iter().map(EntryId::uuid).collect();
    let mut entries = Vec::new();
    for list in ids.chunks(LIST) {
        let rows = s.find::<entry::Entity>();
        for row in rows
            .filter(column.is_in(list.iter().copied()))
            .all()
            .await?
        {
            entries.push(Entry::try_from(row)?);
        }
    }
    Ok(entries)
}

/// A member's entries, newest first, those before a sequence number.
pub(crate) async fn page(
    s: &Scoped,
    member: MemberId,
    before: Option<i64>,
    limit: u64,
) -> Result<Vec<Entry>, Error> {
    let mut rows = s
        .find::<entry::Entity>()
        .filter(entry::Column::MemberId.eq(member.uuid()))
        .order_by_desc(entry::Column::Sequence)
        .limit(limit);
    if let Some(before) = before {
        rows = rows.filter(entry::Column::Sequence.lt(before));
    }
    rows.all().await?.into_iter().map(Entry::try_from).collect()
}

/// What these orders have earned in these programmes: at least those asked for.
pub(crate) async fn earnings(
    s: &Scoped,
    programs: &HashSet<ProgramId>,
    orders: &HashSet<OrderId>,
) -> Result<Vec<Earning>, Error> {
    let orders: Vec<&str> = orders.iter().map(OrderId::as_str).collect();
    let mut earnings = Vec::new();
    for list in orders.chunks(LIST) {
        let rows = s
            .find::<earning::Entity>()
            .filter(earning::Column::ProgramId.is_in(programs.iter().map(|id| id.uuid())))
            .filter(earning::Column::OrderId.is_in(list.iter().copied()))
            .all()
            .await?;
        for row in rows {
            earnings.push(Earning::try_from(row)?);
        }
    }
    Ok(earnings)
}

/// Writes what was decided: one statement a table. Fails as stale when an account was changed meanwhile.
pub(crate) async fn save(s: &Scoped, changes: &[Changes], earned: &[Earning]) -> Result<(), Error> {
    let tenant = s.tenant();
    let accounts: Vec<account::Model> = changes
        .iter()
        .map(|change| account::row(&change.account, change.next_due_at))
        .collect();
    save_accounts(s, &accounts).await?;
    let mut entries = Vec::new();
    for posted in changes.iter().flat_map(|change| &change.posted) {
        entries.push(entry::row(tenant, &posted.entry)?.into_active_model());
    }
    let lots = changes.iter().flat_map(|change| &change.lots);
    let lots: Vec<_> = lots
        .map(|lot| lot::row(tenant, lot).into_active_model())
        .collect();
    let mut holds = Vec::new();
    for hold in changes.iter().flat_map(|change| &change.holds) {
        holds.push(hold::row(tenant, hold)?.into_active_model());
    }
    for rows in chunks(entries) {
        s.insert_many(rows).await?;
    }
    for rows in chunks(lots) {
        use lot::Column as C;
        let changed = [C::Available, C::Held, C::Redeemed, C::Expired, C::Taken];
        s.upsert_many(rows, [C::TenantId, C::Id], changed).await?;
    }
    for rows in chunks(holds) {
        use hold::Column as C;
        let changed = [C::Captured, C::Voided, C::Expired, C::State, C::Version];
        s.upsert_many(rows, [C::TenantId, C::Id], changed).await?;
    }
    save_earnings(s, earned).await
}

/// An order that earned in a concurrent transaction makes this one start again.
async fn save_earnings(s: &Scoped, earned: &[Earning]) -> Result<(), Error> {
    use earning::Column as C;
    let rows: Vec<_> = earned
        .iter()
        .map(|one| earning::row(s.tenant(), one).into_active_model())
        .collect();
    for rows in chunks(rows) {
        let wanted = rows.len();
        let key = [C::TenantId, C::ProgramId, C::OrderId];
        if s.insert_fresh(rows, key).await?.len() != wanted {
            return Err(s.raced());
        }
    }
    Ok(())
}

const ACCOUNT_COLUMNS: &str = "tenant_id, member_id, program_id, available, held, debt, sequence, head, \
                               changed_at, next_due_at, version";

/// Many accounts in one statement, each only if it still has the version it was read with.
async fn save_accounts(s: &Scoped, accounts: &[account::Model]) -> Result<(), Error> {
    for rows in accounts.chunks(ROWS) {
        let places: Vec<String> = (0..rows.len())
            .map(|row| account_places(2 + row * 10))
            .collect();
        let sql = format!(
            "insert into accounts ({ACCOUNT_COLUMNS}) values {} \
             on conflict (tenant_id, member_id) do update set available = excluded.available, \
             held = excluded.held, debt = excluded.debt, sequence = excluded.sequence, \
             head = excluded.head, changed_at = excluded.changed_at, \
             next_due_at = excluded.next_due_at, version = excluded.version \
             where accounts.version = excluded.version - 1",
            places.join(", ")
        );
        let values: Vec<Value> = rows.iter().flat_map(account_values).collect();
        if s.raw_exec(&sql, values).await? != rows.len() as u64 {
            return Err(s.stale());
        }
    }
    Ok(())
}

fn account_places(first: usize) -> String {
    let places: Vec<String> = (first..first + 10)
        .map(|place| format!("${place}"))
        .collect();
    format!("($1, {})", places.join(", "))
}

fn account_values(row: &account::Model) -> [Value; 10] {
    [
        row.member_id.into(),
        row.program_id.into(),
        row.available.into(),
        row.held.into(),
        row.debt.into(),
        row.sequence.into(),
        row.head.clone().into(),
        row.changed_at.0.into(),
        row.next_due_at.map(|at| at.0).into(),
        row.version.into(),
    ]
}

/// Pieces that one statement takes.
fn chunks<A>(rows: Vec<A>) -> impl Iterator<Item = Vec<A>> {
    let mut rows = rows.into_iter();
    std::iter::from_fn(move || {
        let chunk: Vec<A> = rows.by_ref().take(ROWS).collect();
        (!chunk.is_empty()).then_some(chunk)
    })
}
