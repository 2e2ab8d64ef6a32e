use sea_orm_migration::prelude::{
    Alias, DbErr, Expr, Index, MigrationName, MigrationTrait, SchemaManager, async_trait,
};
use sea_orm_migration::sea_query::{ConditionalStatement as _, TableCreateStatement};

use super::{bytes, index, number, optional, small, table, text, unique, uuid};

/// Accounts, lots, holds, entries and the orders that have earned. What must hold in every row is a
/// constraint: not even a mistake of ours writes a negative balance or a one-sided entry.
pub(super) struct Ledger;

impl MigrationName for Ledger {
    fn name(&self) -> &str {
        "m0002_ledger"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Ledger {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            accounts(),
            lots(),
            holds(),
            entries(),
            earnings(),
            requests(),
        ] {
            manager.create_table(table).await?;
        }
        let due = Index::create()
            .name("accounts_by_due")
            .table(Alias::new("accounts"))
            .col(Alias::new("next_due_at"))
            .to_owned();
        for index in [
            due,
            index("lots", "lots_live", &["member_id"])
                .and_where(Expr::cust("available > 0 or held > 0"))
                .to_owned(),
            unique("lots", "lots_by_age", &["member_id", "earned_sequence"]),
            index("holds", "holds_open", &["member_id"])
                .and_where(Expr::cust("state = 'open'"))
                .to_owned(),
            index("holds", "holds_by_member", &["member_id"]),
            unique("entries", "entries_by_sequence", &["member_id", "sequence"]),
            index("entries", "entries_by_reversed", &["reverses"]),
            index("earnings", "earnings_by_member", &["member_id"]),
        ] {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn accounts() -> TableCreateStatement {
    let columns = vec![
        uuid("member_id"),
        uuid("program_id"),
        number("available"),
        number("held"),
        number("debt"),
        number("sequence"),
        bytes("head"),
        number("changed_at"),
        optional(number("next_due_at")),
        number("version"),
    ];
    table("accounts", &["member_id"], columns)
        .check(Expr::cust("available >= 0 and held >= 0 and debt >= 0"))
        .to_owned()
}

fn lots() -> TableCreateStatement {
    let columns = vec![
        uuid("id"),
        uuid("member_id"),
        uuid("earned_by"),
        number("earned_sequence"),
        number("amount"),
        number("available"),
        number("held"),
        number("redeemed"),
        number("expired"),
        number("taken"),
        number("active_at"),
        optional(number("expires_at")),
        number("created_at"),
    ];
    table("lots", &["id"], columns)
        .check(Expr::cust(
            "available >= 0 and held >= 0 and redeemed >= 0 and expired >= 0 and taken >= 0 \
             and available + held + redeemed + expired + taken = amount",
        ))
        .to_owned()
}

fn holds() -> TableCreateStatement {
    let columns = vec![
        uuid("id"),
        uuid("member_id"),
        number("amount"),
        number("captured"),
        number("voided"),
        number("expired"),
        text("state"),
        text("allocations"),
        optional(text("order_id")),
        number("expires_at"),
        number("created_at"),
        number("version"),
    ];
    table("holds", &["id"], columns)
        .check(Expr::cust(
            "captured >= 0 and voided >= 0 and expired >= 0 \
             and captured + voided + expired = case when state = 'open' then 0 else amount end",
        ))
        .to_owned()
}

/// The six `d_…` columns are what the entry adds to each account: a sum over them is the balance of a
/// programme's account, which no row holds.
fn entries() -> TableCreateStatement {
    let columns = vec![
        uuid("id"),
        uuid("member_id"),
        uuid("program_id"),
        number("sequence"),
        text("kind"),
        number("points"),
        number("d_available"),
        number("d_held"),
        number("d_debt"),
        number("d_issuance"),
        number("d_redeemed"),
        number("d_expired"),
        text("allocations"),
        number("available_after"),
        number("held_after"),
        number("debt_after"),
        optional(uuid("hold_id")),
        optional(uuid("reverses")),
        optional(text("order_id")),
        optional(uuid("interaction_id")),
        optional(text("reason")),
        number("at"),
        bytes("hash"),
    ];
    table("entries", &["id"], columns)
        .check(Expr::cust(
            "points > 0 and available_after >= 0 and held_after >= 0 and debt_after >= 0 \
             and d_available + d_held + d_debt + d_issuance + d_redeemed + d_expired = 0",
        ))
        .to_owned()
}

fn earnings() -> TableCreateStatement {
    let columns = vec![
        uuid("program_id"),
        text("order_id"),
        uuid("member_id"),
        number("total_units"),
        text("total_code"),
        small("total_exponent"),
        number("points"),
        optional(uuid("entry_id")),
        number("created_at"),
    ];
    table("earnings", &["program_id", "order_id"], columns)
        .check(Expr::cust("points >= 0"))
        .to_owned()
}

/// What a request id of the ledger was used for. Kept for ever: points are money. The balance is what
/// was answered, so that a repetition is answered alike.
fn requests() -> TableCreateStatement {
    let columns = vec![
        text("principal"),
        text("method"),
        uuid("request_id"),
        bytes("hash"),
        uuid("member_id"),
        optional(uuid("entry_id")),
        optional(uuid("hold_id")),
        text("balance"),
        number("created_at"),
    ];
    table(
        "ledger_requests",
        &["principal", "method", "request_id"],
        columns,
    )
}
