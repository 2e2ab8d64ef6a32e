//! Which interactions are one matter: keys of mails, the changes that join and part conversations, and the maps that
//! they make. What was logged stays as it is.

use rapport_foundation::schema::{bytes, number, small, text, uuid};
use sea_orm_migration::prelude::{
    DbErr, DeriveMigrationName, Index, SchemaManager, Table, TableCreateStatement,
};
use sea_orm_migration::{MigrationTrait, async_trait};

use super::index;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            mail_key(),
            conversation_change(),
            conversation_move(),
            conversation_root(),
            interaction_piece(),
            matter_count(),
            known_ticket(),
            threading_rules(),
        ] {
            manager.create_table(table).await?;
        }
        let changes = |name, columns| index("conversation_change", name, columns);
        let pieces = |name, columns| index("interaction_piece", name, columns);
        for index in [
            changes("conversation_change_whole", &["conversation_id", "number"]),
            changes("conversation_change_part", &["other_id", "number"]),
            index(
                "conversation_move",
                "conversation_move_interaction",
                &["interaction_id"],
            ),
            index(
                "conversation_root",
                "conversation_root_whole",
                &["root_id", "conversation_id"],
            ),
            pieces("interaction_piece_conversation", &["conversation_id"]),
            pieces("interaction_piece_home", &["home_id"]),
            index(
                "known_ticket",
                "known_ticket_record",
                &["record_id", "open"],
            ),
            index(
                "known_ticket",
                "known_ticket_conversation",
                &["conversation_id"],
            ),
        ] {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn table(name: &'static str, key: &[&'static str]) -> TableCreateStatement {
    let mut index = Index::create();
    for column in ["tenant_id"].iter().chain(key) {
        index.col(*column);
    }
    Table::create()
        .table(name)
        .col(uuid("tenant_id"))
        .primary_key(&mut index)
        .to_owned()
}

/// Keyed hashes of a participant and a mail's id, with the conversation they lead to.
fn mail_key() -> TableCreateStatement {
    table("mail_key", &["clue"])
        .col(bytes("clue"))
        .col(uuid("conversation_id"))
        .to_owned()
}

fn conversation_change() -> TableCreateStatement {
    table("conversation_change", &["id"])
        .col(uuid("id"))
        .col(number("number"))
        // 1 merge, 2 split.
        .col(small("kind"))
        .col(small("basis"))
        .col(uuid("conversation_id"))
        .col(uuid("other_id"))
        // 1 while `other_id` is part of `conversation_id` by this change.
        .col(small("holds"))
        .col(number("taken_out"))
        .col(number("changed_at"))
        .col(text("actor"))
        .col(text("subject_key"))
        .col(bytes("reason"))
        // 0 while it stands.
        .col(number("undone_at"))
        .col(text("undone_by"))
        .col(bytes("undone_reason"))
        .to_owned()
}

/// What each split took out.
fn conversation_move() -> TableCreateStatement {
    table("conversation_move", &["change_id", "interaction_id"])
        .col(uuid("change_id"))
        .col(uuid("interaction_id"))
        .to_owned()
}

/// What a conversation is part of by now; no row for one that stands for itself.
fn conversation_root() -> TableCreateStatement {
    table("conversation_root", &["conversation_id"])
        .col(uuid("conversation_id"))
        .col(uuid("root_id"))
        .to_owned()
}

/// Where an interaction is by now that was taken out of the conversation it was logged in, its home.
fn interaction_piece() -> TableCreateStatement {
    table("interaction_piece", &["interaction_id"])
        .col(uuid("interaction_id"))
        .col(uuid("conversation_id"))
        .col(uuid("home_id"))
        .to_owned()
}

/// How many changes a tenant has: whoever makes one holds the row, so that changes happen one after the other.
fn matter_count() -> TableCreateStatement {
    table("matter_count", &[]).col(number("n")).to_owned()
}

/// Tickets as routing tells of them.
fn known_ticket() -> TableCreateStatement {
    table("known_ticket", &["ticket_id"])
        .col(uuid("ticket_id"))
        // Nil where it grew out of none.
        .col(uuid("conversation_id"))
        // Nil until the customer is known.
        .col(uuid("record_id"))
        .col(small("open"))
        .to_owned()
}

fn threading_rules() -> TableCreateStatement {
    table("threading_rules", &[])
        .col(number("version"))
        .col(text("rules"))
        .col(number("changed_at"))
        .to_owned()
}
