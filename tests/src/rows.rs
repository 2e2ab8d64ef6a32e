//! Looks at rows past the suite, as somebody with the databases would.
#![expect(
    clippy::disallowed_methods,
    reason = "looks at all tenants' tables from outside"
)]

use std::{collections::BTreeMap, path::Path};

use rapport_foundation::id::{AgentId, OfferId, TenantId, WorkItemId};
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DbErr, QueryResult, Statement};
use uuid::Uuid;

use crate::layout::{Engine, ROLES, sqlite_file};

pub(crate) async fn counts(engine: &Engine, folder: &Path) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for role in ROLES {
        let url = match engine {
            Engine::Sqlite => format!("sqlite:{}?mode=ro", sqlite_file(folder, role).display()),
            Engine::Postgres { admin_url, prefix } => server_database(admin_url, prefix, role),
        };
        let database = Database::connect(url).await.expect("the suite's database");
        let tables = tables(&database, engine).await.expect("a catalogue");
        // The audit trail grows with every call, those of whoever counts included.
        for table in tables
            .into_iter()
            .filter(|table| !table.starts_with("audit_"))
        {
            let rows = rows(&database, &table).await.expect("a table");
            counts.insert(format!("{role}.{table}"), rows);
        }
        database.close().await.expect("an open connection");
    }
    counts
}

/// An offer as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredOffer {
    /// The work.
    pub work_item: String,
    /// The agent.
    pub agent: String,
    /// Where it stands: `pending`, `accepted`, or how else it ended.
    pub outcome: String,
}

/// Every offer of routing on PostgreSQL, by its id.
pub(crate) async fn offers(engine: &Engine) -> BTreeMap<String, StoredOffer> {
    let sql = "select id, work_item_id, agent_id, outcome from offers";
    let mut offers = BTreeMap::new();
    for row in routing(engine, sql).await {
        let id = |column| row.try_get::<Uuid>("", column).expect("an id");
        let offer = StoredOffer {
            work_item: WorkItemId::from_uuid(id("work_item_id")).to_string(),
            agent: AgentId::from_uuid(id("agent_id")).to_string(),
            outcome: row.try_get("", "outcome").expect("an outcome"),
        };
        offers.insert(OfferId::from_uuid(id("id")).to_string(), offer);
    }
    offers
}

/// Where the owner of a tenant is reached.
pub(crate) async fn owner(engine: &Engine, tenant: &str) -> Option<String> {
    let tenant: TenantId = tenant.parse().expect("a tenant's id");
    let sql = format!(
        "select r.address from engine_lease l join replica r on r.id = l.owner where l.tenant_id = '{}'",
        tenant.uuid()
    );
    let row = routing(engine, &sql).await.into_iter().next()?;
    Some(row.try_get("", "address").expect("an address"))
}

async fn routing(engine: &Engine, sql: &str) -> Vec<QueryResult> {
    let Engine::Postgres { admin_url, prefix } = engine else {
        panic!("routing has several processes on PostgreSQL only");
    };
    let url = server_database(admin_url, prefix, "routing");
    let database = Database::connect(url).await.expect("the suite's database");
    let statement = Statement::from_string(database.get_database_backend(), sql);
    let rows = database.query_all_raw(statement).await.expect("rows");
    database.close().await.expect("an open connection");
    rows
}

fn server_database(admin_url: &str, prefix: &str, role: &str) -> String {
    let server = admin_url.rsplit_once('/');
    let server = server.map_or(admin_url, |(server, _)| server);
    format!("{server}/{prefix}_{role}")
}

async fn tables(database: &DatabaseConnection, engine: &Engine) -> Result<Vec<String>, DbErr> {
    let catalogue = match engine {
        Engine::Sqlite => {
            "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'"
        }
        Engine::Postgres { .. } => {
            "select tablename as name from pg_tables where schemaname = 'public'"
        }
    };
    let statement = Statement::from_string(database.get_database_backend(), catalogue);
    let rows = database.query_all_raw(statement).await?;
    rows.iter().map(|row| row.try_get("", "name")).collect()
}

async fn rows(database: &DatabaseConnection, table: &str) -> Result<u64, DbErr> {
    let count = format!("select count(*) as n from \"{table}\"");
    let statement = Statement::from_string(database.get_database_backend(), count);
    let row = database.query_one_raw(statement).await?;
    let n: i64 = row
        .map(|row| row.try_get("", "n"))
        .transpose()?
        .unwrap_or(0);
    Ok(n.unsigned_abs())
}
