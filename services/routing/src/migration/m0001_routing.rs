use sea_orm_migration::prelude::{
    Alias, ColumnDef, DbErr, Index, MigrationName, MigrationTrait, SchemaManager, Table,
    async_trait,
};
use sea_orm_migration::sea_query::{IndexCreateStatement, TableCreateStatement};

/// Tickets, work items, offers, agents, queues, and what the engine's owner needs.
pub(super) struct Routing;

impl MigrationName for Routing {
    fn name(&self) -> &str {
        "m0001_routing"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Routing {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [
            tickets(),
            work_items(),
            offers(),
            queues(),
            agents(),
            agent_standings(),
            agent_queues(),
            customer_map(),
            ended_contacts(),
            engine_lease(),
        ] {
            manager.create_table(table).await?;
        }
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

/// What a column holds.
enum Kind {
    Id,
    Text,
    Number,
    Flag,
    Json,
    /// Encrypted with a data key of its subject.
    Sealed,
}
use Kind::{Flag, Id, Json, Number, Sealed, Text};

/// A table of one tenant's rows: its key is the tenant and `key`; a name ending in `?` may be null.
fn table(name: &str, key: &[&str], columns: &[(&str, Kind)]) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(Alias::new(name));
    table.col(ColumnDef::new(Alias::new("tenant_id")).uuid().not_null());
    for (name, kind) in columns {
        let (bare, optional) = match name.strip_suffix('?') {
            Some(bare) => (bare, true),
            None => (*name, false),
        };
        let mut column = ColumnDef::new(Alias::new(bare));
        match kind {
            Id => column.uuid(),
            Text => column.text(),
            Number => column.big_integer(),
            Flag => column.boolean(),
            Json => column.json_binary(),
            Sealed => column.binary(),
        };
        if !optional {
            column.not_null();
        }
        table.col(column);
    }
    let mut primary = Index::create();
    primary.col(Alias::new("tenant_id"));
    for column in key {
        primary.col(Alias::new(*column));
    }
    table.primary_key(&mut primary).to_owned()
}

fn tickets() -> TableCreateStatement {
    table(
        "tickets",
        &["id"],
        &[
            ("id", Id),
            ("state", Text),
            ("subject?", Sealed),
            ("description?", Sealed),
            ("sealed_for?", Text),
            ("priority", Text),
            ("queue_id", Id),
            ("owner_agent_id?", Id),
            ("record_id?", Id),
            ("customer_id?", Id),
            ("conversation_id?", Id),
            ("skills", Json),
            ("tags", Json),
            ("root_cause?", Text),
            ("outcome?", Text),
            ("purpose?", Text),
            ("reopen_count", Number),
            ("created_at", Number),
            ("updated_at", Number),
            ("resolved_at?", Number),
            ("closed_at?", Number),
            ("version", Number),
        ],
    )
}

fn work_items() -> TableCreateStatement {
    table(
        "work_items",
        &["id"],
        &[
            ("id", Id),
            ("ticket_id", Id),
            ("interaction_id?", Id),
            ("record_id?", Id),
            ("customer_id?", Id),
            ("channel", Text),
            ("queue_id", Id),
            ("skills", Json),
            ("priority", Text),
            ("queued_at", Number),
            ("offers_made", Number),
            ("declines", Json),
            ("settled", Flag),
            ("state", Text),
            ("agent_id?", Id),
            ("offer_id?", Id),
            ("offered_at?", Number),
            ("offer_expires_at?", Number),
            ("accepted_at?", Number),
            ("handled_at?", Number),
            ("wrap_up_until?", Number),
            ("ended_at?", Number),
            ("disposition?", Text),
            ("traceparent?", Text),
            ("version", Number),
        ],
    )
}

fn offers() -> TableCreateStatement {
    table(
        "offers",
        &["id"],
        &[
            ("id", Id),
            ("work_item_id", Id),
            ("agent_id", Id),
            ("outcome", Text),
            ("made_at", Number),
            ("expires_at", Number),
            ("ended_at?", Number),
        ],
    )
}

fn queues() -> TableCreateStatement {
    table(
        "queues",
        &["id"],
        &[
            ("id", Id),
            ("code", Text),
            ("display_name", Text),
            ("default_priority", Text),
            ("offer_timeout", Number),
            ("wrap_up", Number),
            ("max_lapsed_offers", Number),
            ("skills", Json),
            ("created_at", Number),
            ("updated_at", Number),
            ("version", Number),
        ],
    )
}

fn agents() -> TableCreateStatement {
    table(
        "agents",
        &["id"],
        &[
            ("id", Id),
            ("principal", Sealed),
            ("principal_index", Sealed),
            ("display_name", Sealed),
            ("skills", Json),
            ("capacities", Json),
            ("usual_capacity", Number),
            ("capacity_since", Number),
            ("created_at", Number),
            ("updated_at", Number),
            ("version", Number),
        ],
    )
}

/// How agents stand: apart from how they are set up, because it changes with every piece of work.
fn agent_standings() -> TableCreateStatement {
    table(
        "agent_standings",
        &["agent_id"],
        &[
            ("agent_id", Id),
            ("status", Text),
            ("status_reason?", Text),
            ("status_since", Number),
            ("presence", Text),
            ("leaving_until?", Number),
            ("idle_since", Number),
            ("lapsed_offers", Number),
        ],
    )
}

fn agent_queues() -> TableCreateStatement {
    table(
        "agent_queues",
        &["agent_id", "queue_id"],
        &[("agent_id", Id), ("queue_id", Id)],
    )
}

/// Which customer a source record belongs to now. Merges and separations move it; no other row changes.
fn customer_map() -> TableCreateStatement {
    table(
        "customer_map",
        &["record_id"],
        &[("record_id", Id), ("customer_id", Id)],
    )
}

/// Contacts that were over before the interaction they belong to was linked.
fn ended_contacts() -> TableCreateStatement {
    table(
        "ended_contacts",
        &["interaction_id"],
        &[("interaction_id", Id), ("ended_at", Number)],
    )
}

/// Who decides for the tenant. Every decision names epoch and number in its WHERE.
fn engine_lease() -> TableCreateStatement {
    table(
        "engine_lease",
        &[],
        &[
            ("owner", Id),
            ("epoch", Number),
            ("decision", Number),
            ("until", Number),
        ],
    )
}

fn indexes() -> Vec<IndexCreateStatement> {
    let index = |table: &str, columns: &[&str], unique: bool| {
        let mut index = Index::create();
        index
            .name(format!("{table}_by_{}", columns.join("_")))
            .table(Alias::new(table))
            .col(Alias::new("tenant_id"));
        for column in columns {
            index.col(Alias::new(*column));
        }
        if unique {
            index.unique();
        }
        index.to_owned()
    };
    vec![
        index("tickets", &["state", "id"], false),
        index("tickets", &["queue_id", "id"], false),
        index("tickets", &["owner_agent_id", "id"], false),
        index("tickets", &["record_id", "id"], false),
        index("tickets", &["conversation_id", "id"], false),
        index("work_items", &["state", "id"], false),
        index("work_items", &["ticket_id", "id"], false),
        index("work_items", &["queue_id", "id"], false),
        index("work_items", &["agent_id", "id"], false),
        index("work_items", &["interaction_id"], false),
        index("offers", &["work_item_id", "id"], false),
        index("queues", &["code"], true),
        index("agents", &["principal_index"], true),
        index("agent_standings", &["status", "agent_id"], false),
        index("agent_queues", &["queue_id", "agent_id"], false),
        index("customer_map", &["customer_id", "record_id"], false),
    ]
}
