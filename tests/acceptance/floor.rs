//! The desk floor of the log: its groups as queues, its people as agents.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fs::File,
    io::BufReader,
    path::Path,
    time::Duration,
};

use flate2::bufread::GzDecoder;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use rapport_tests::{Desk, DeskLog, Suite, Trigger, request_id};
use serde_json::json;
use tokio::task::JoinHandle;

/// How the log writes that something is missing.
const MISSING: &str = "?";
/// The queue of what has no group.
const DEFAULT_QUEUE: &str = "default";

/// Who works where.
pub(crate) struct Floor {
    /// Rows of the log.
    pub(crate) rows: u64,
    /// Incidents of the log.
    pub(crate) incidents: u64,
    /// Queue codes.
    pub(crate) queues: BTreeSet<String>,
    /// Agents and the queues they appear in.
    pub(crate) agents: BTreeMap<String, BTreeSet<String>>,
}

impl Floor {
    pub(crate) fn read(file: &Path) -> Result<Self, Box<dyn Error>> {
        let unpacked = GzDecoder::new(BufReader::new(File::open(file)?));
        let mut reader = csv::Reader::from_reader(unpacked);
        let headers = reader.headers()?.clone();
        let column = |name: &str| {
            headers
                .iter()
                .position(|h| h == name)
                .ok_or("column missing")
        };
        let (number, group, agent) = (
            column("number")?,
            column("assignment_group")?,
            column("assigned_to")?,
        );
        let mut floor = Self {
            rows: 0,
            incidents: 0,
            queues: BTreeSet::new(),
            agents: BTreeMap::new(),
        };
        let mut incidents = BTreeSet::new();
        for row in reader.records() {
            let row = row?;
            floor.rows += 1;
            let queue = match &row[group] {
                MISSING => DEFAULT_QUEUE.to_owned(),
                group => format!("group-{group}"),
            };
            if &row[agent] != MISSING {
                floor
                    .agents
                    .entry(row[agent].to_owned())
                    .or_default()
                    .insert(queue.clone());
            }
            floor.queues.insert(queue);
            incidents.insert(row[number].to_owned());
        }
        floor.incidents = incidents.len() as u64;
        Ok(floor)
    }

    /// Creates queues and agents; answers with the agents' ids.
    pub(crate) async fn open(&self, suite: &Suite) -> Result<Vec<String>, String> {
        let supervisor = &suite.supervisor();
        let queues: BTreeMap<String, String> = stream::iter(&self.queues)
            .map(|code| async move {
                let request = json!({"request_id": request_id(), "queue": {"code": code, "display_name": code, "wrap_up_s": 30, "max_lapsed_offers": 100}});
                let answer = supervisor.call("rapport.routing.v1.QueueService/CreateQueue", request).await;
                let answer = answer.map_err(|refusal| format!("queue {code}: {refusal:?}"))?;
                Ok::<_, String>((code.clone(), id(&answer["queue"])))
            })
            .buffer_unordered(16)
            .try_collect()
            .await?;
        let queues = &queues;
        stream::iter(&self.agents)
            .map(|(name, serves)| async move {
                let serves: Vec<&String> = serves.iter().filter_map(|code| queues.get(code)).collect();
                let request = json!({"request_id": request_id(), "agent": {
                    "principal": format!("agent-{name}"), "display_name": name, "queue_ids": serves, "default_capacity": 4}});
                let answer = supervisor.call("rapport.routing.v1.AgentService/CreateAgent", request).await;
                let answer = answer.map_err(|refusal| format!("agent {name}: {refusal:?}"))?;
                Ok(id(&answer["agent"]))
            })
            .buffer_unordered(16)
            .try_collect()
            .await
    }
}

/// Opens a desk for every agent, a few desks a connection.
pub(crate) fn seat(
    suite: &Suite,
    agents: &[String],
    log: &DeskLog,
    trigger: &Trigger,
    handle: Duration,
) -> Vec<JoinHandle<()>> {
    const DESKS_A_CONNECTION: usize = 25;
    agents
        .chunks(DESKS_A_CONNECTION)
        .flat_map(|few| {
            let client = suite.supervisor();
            few.iter().map(move |agent| (client.clone(), agent))
        })
        .map(|(client, agent)| {
            let desk = Desk::new(client, agent, log.clone(), handle).with_trigger(trigger.clone());
            tokio::spawn(desk.work())
        })
        .collect()
}

fn id(resource: &serde_json::Value) -> String {
    resource["id"].as_str().unwrap_or_default().to_owned()
}
