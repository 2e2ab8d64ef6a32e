//! What must be true in the end.

use std::{collections::BTreeMap, time::Duration};

use rapport_tests::{DeskLog, ImportReport, Suite};
use serde_json::{Value, json};

use crate::floor::Floor;

/// How long nothing may get better before the script gives up.
const STANDSTILL: Duration = Duration::from_secs(90);

pub(crate) async fn all_resolved(suite: &Suite, incidents: u64) -> Result<(), String> {
    let (mut best, mut since) = (0, tokio::time::Instant::now());
    loop {
        let resolved = tickets(suite, "TICKET_STATE_RESOLVED").await?;
        if resolved == incidents {
            break;
        }
        if resolved > best {
            (best, since) = (resolved, tokio::time::Instant::now());
        }
        if since.elapsed() > STANDSTILL {
            return Err(format!(
                "{resolved} of {incidents} tickets resolved, and no more for {STANDSTILL:?}"
            ));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    for state in [
        "TICKET_STATE_NEW",
        "TICKET_STATE_OPEN",
        "TICKET_STATE_PENDING",
    ] {
        let left = tickets(suite, state).await?;
        if left > 0 {
            return Err(format!("{left} tickets are left {state}"));
        }
    }
    Ok(())
}

async fn tickets(suite: &Suite, state: &str) -> Result<u64, String> {
    count(
        suite,
        "rapport.routing.v1.TicketService/ListTickets",
        json!({"state": state}),
        "tickets",
    )
    .await
}

async fn count(suite: &Suite, name: &str, mut request: Value, field: &str) -> Result<u64, String> {
    let mut total = 0;
    request["page_size"] = json!(1000);
    loop {
        let page = suite
            .supervisor()
            .call(name, request.clone())
            .await
            .map_err(|r| format!("{name}: {r:?}"))?;
        total += page[field].as_array().map_or(0, Vec::len) as u64;
        match page["next_page_token"]
            .as_str()
            .filter(|token| !token.is_empty())
        {
            Some(token) => request["page_token"] = json!(token),
            None => return Ok(total),
        }
    }
}

/// Where contacts wait whose customer could not be asked for yet.
const PENDING: &str = "interactions.pending_link";

/// Waits until all work is wrapped up, every contact is linked, and the row counts stand still.
pub(crate) async fn settled(suite: &Suite) -> Result<(), String> {
    let deadline = tokio::time::Instant::now() + STANDSTILL;
    let mut before = suite.row_counts().await;
    loop {
        tokio::time::sleep(Duration::from_secs(3)).await;
        let mut busy = 0;
        for state in ["WAITING", "OFFERED", "ACCEPTED", "WRAPPING_UP"] {
            let request = json!({"state": format!("WORK_ITEM_STATE_{state}")});
            busy += count(
                suite,
                "rapport.routing.v1.WorkItemService/ListWorkItems",
                request,
                "work_items",
            )
            .await?;
        }
        let after = suite.row_counts().await;
        let pending = after.get(PENDING).copied();
        if busy == 0 && pending == Some(0) && before == after {
            return Ok(());
        }
        if tokio::time::Instant::now() > deadline {
            return Err(format!(
                "not settled: {busy} work items are not over, pending contacts: {pending:?}"
            ));
        }
        before = after;
    }
}

pub(crate) fn imported(report: &ImportReport, floor: &Floor, killed: bool) -> Result<(), String> {
    // After a kill the importer repeats what was not acknowledged; what had been stored is a duplicate then.
    let accepted = if killed {
        report.accepted + report.duplicate
    } else {
        report.accepted
    };
    let folded = floor.rows - floor.incidents;
    if (accepted, report.folded, report.rejected) == (floor.incidents, folded, 0) {
        return Ok(());
    }
    Err(format!(
        "import: {report}, expected {} accepted and {folded} folded",
        floor.incidents
    ))
}

pub(crate) fn imported_again(report: &ImportReport, floor: &Floor) -> Result<(), String> {
    if (report.accepted, report.duplicate) == (0, floor.incidents) {
        return Ok(());
    }
    Err(format!(
        "second import: {report}, expected {} duplicates",
        floor.incidents
    ))
}

pub(crate) fn no_overlaps(log: &DeskLog) -> Result<(), String> {
    match log.overlaps().as_slice() {
        [] => {
            crate::report(&format!(
                "{} offers taken, no two of a work item overlap",
                log.accepted()
            ));
            Ok(())
        }
        [first, ..] => Err(format!("offers of one work item overlap: {first:?}")),
    }
}

pub(crate) fn unchanged(
    before: &BTreeMap<String, u64>,
    after: &BTreeMap<String, u64>,
) -> Result<(), String> {
    let changed: Vec<String> = after
        .iter()
        .filter(|(table, rows)| before.get(*table) != Some(rows))
        .map(|(table, rows)| format!("{table}: {:?} → {rows}", before.get(table)))
        .collect();
    if changed.is_empty() {
        Ok(())
    } else {
        Err(format!("the second import changed {}", changed.join(", ")))
    }
}
