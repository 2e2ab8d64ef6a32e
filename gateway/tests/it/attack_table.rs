//! Attacks, each in one row: refused with the right answer, and through as soon as what keeps it out is taken away.
//! Where two walls stand behind each other, it takes both.

use std::collections::BTreeSet;
use std::path::Path;

use futures::future::LocalBoxFuture;
use rapport_foundation::context::Demand;
use rapport_gateway::Protection;

use crate::fixture::Plan;

mod access;
mod bearer;
mod load;
mod requests;
mod sockets;

/// What an attack comes to when nothing keeps it out.
const THROUGH: &str = "through";

/// One attack.
pub(crate) struct Row {
    /// The number in the list of attacks, or what the list calls it.
    id: &'static str,
    what: &'static str,
    /// What keeps it out. Without all of these it succeeds; with one of them it does not.
    off: &'static [Protection],
    /// What the service behind would refuse as well.
    behind: &'static [Demand],
    /// The answer: a code of gRPC, a status of HTTP, or a word.
    refused: &'static str,
    perform: fn(Plan) -> LocalBoxFuture<'static, String>,
}

impl Row {
    const fn new(
        id: &'static str,
        what: &'static str,
        off: &'static [Protection],
        refused: &'static str,
        perform: fn(Plan) -> LocalBoxFuture<'static, String>,
    ) -> Self {
        Row {
            id,
            what,
            off,
            behind: &[],
            refused,
            perform,
        }
    }

    const fn behind(mut self, behind: &'static [Demand]) -> Self {
        self.behind = behind;
        self
    }

    async fn outcome(&self, off: &[Protection]) -> String {
        let plan = Plan {
            off: off.to_vec(),
            off_behind: self.behind.to_vec(),
            ..Plan::default()
        };
        (self.perform)(plan).await
    }
}

/// What a code of gRPC says of an attack.
fn outcome(code: &str) -> String {
    match code {
        "0" => THROUGH.to_owned(),
        code => code.to_owned(),
    }
}

async fn hold(rows: Vec<Row>) {
    for row in rows {
        let (id, what) = (row.id, row.what);
        assert_eq!(row.outcome(&[]).await, row.refused, "{id} {what}");
        assert_eq!(
            row.outcome(row.off).await,
            THROUGH,
            "{id} {what} without {:?}",
            row.off
        );
        for one in row.off.iter().filter(|_| row.off.len() > 1) {
            let outcome = row.outcome(&[*one]).await;
            assert_ne!(outcome, THROUGH, "{id} {what} without {one:?} alone");
        }
    }
}

#[tokio::test]
async fn attacks_by_token_are_refused_and_succeed_without_their_protection() {
    hold(bearer::rows()).await;
}

#[tokio::test]
async fn attacks_by_keys_certificates_and_rights_are_refused_and_succeed_without_their_protection()
{
    hold(access::rows()).await;
}

#[tokio::test]
async fn attacks_by_load_are_refused_and_succeed_without_their_protection() {
    hold(load::rows()).await;
}

#[tokio::test]
async fn attacks_by_request_are_refused_and_succeed_without_their_protection() {
    hold(requests::rows()).await;
}

#[tokio::test]
async fn attacks_by_connection_are_refused_and_succeed_without_their_protection() {
    hold(sockets::rows()).await;
}

fn every_row() -> impl Iterator<Item = Row> {
    let rows = [
        access::rows(),
        bearer::rows(),
        load::rows(),
        requests::rows(),
        sockets::rows(),
    ];
    rows.into_iter().flatten()
}

#[test]
fn every_protection_stands_in_the_table() {
    let named: Vec<Protection> = every_row().flat_map(|row| row.off.to_vec()).collect();
    for protection in Protection::ALL {
        assert!(named.contains(&protection), "{protection:?}");
    }
}

/// Attacks that have no switch, because nothing could let them in, or because something behind the gateway keeps them
/// out: the file and the test that bears each.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    (
        "S1",
        "gateway/tests/it/attacks.rs",
        "what_is_not_one_bearer_token_is_refused",
    ),
    (
        "S3",
        "gateway/tests/it/attacks.rs",
        "forged_headers_and_signatures_are_refused",
    ),
    (
        "S14",
        "gateway/tests/it/tenants.rs",
        "a_suspended_tenant_is_shut_out_at_once_and_let_in_again",
    ),
    (
        "S15",
        "gateway/tests/it/keys.rs",
        "a_rotated_key_is_taken_up_and_the_old_one_put_away_without_a_restart",
    ),
    (
        "S16",
        "services/foundation/src/context/attacks.rs",
        "each_attack_is_refused_by_one_demand_and_succeeds_without_it",
    ),
    (
        "S20",
        "tests/it/coverage.rs",
        "every_rpc_hides_what_belongs_to_another_tenant",
    ),
    (
        "S21",
        "services/foundation/src/page.rs",
        "a_token_opens_for_its_own_query_and_tenant_only",
    ),
    ("S22", "tests/it/coverage.rs", "every_rpc_wants_its_scope"),
    (
        "S23",
        "services/profiles/tests/it/refusals.rs",
        "what_the_service_sets_cannot_be_set_by_hand",
    ),
    (
        "S24",
        "gateway/tests/it/protocol.rs",
        "methods_that_do_not_exist_are_told_apart_only_with_a_token",
    ),
    (
        "S25",
        "services/foundation/tests/it/security.rs",
        "the_app_login_sees_nothing_without_a_tenant_and_cannot_switch_the_wall_off",
    ),
    (
        "S26",
        "services/foundation/tests/it/store.rs",
        "one_session_never_carries_a_tenant_into_the_next_call",
    ),
    (
        "S27",
        "services/loyalty/tests/it/ledger.rs",
        "amounts_that_are_no_amounts_are_refused_before_anything_moves",
    ),
    (
        "S31",
        "gateway/tests/it/protocol.rs",
        "a_message_that_cannot_be_read_is_refused_in_one_text",
    ),
    (
        "S32",
        "gateway/tests/it/protocol.rs",
        "methods_that_do_not_exist_are_told_apart_only_with_a_token",
    ),
    (
        "S41",
        "services/foundation/src/service/tests.rs",
        "deadlines_and_panics_get_the_same_code_on_both_ways",
    ),
    (
        "S42",
        "services/foundation/tests/it/store.rs",
        "a_cancelled_write_leaves_nothing_and_frees_the_store",
    ),
    (
        "S43",
        "services/foundation/src/service/tests.rs",
        "deadlines_and_panics_get_the_same_code_on_both_ways",
    ),
    (
        "S44",
        "services/foundation/src/error/tests.rs",
        "a_status_carries_reason_violations_and_retry_but_never_the_cause",
    ),
    ("S45", "gateway/tests/it/fuzz.rs", "no_request_does_harm"),
    (
        "S58",
        "gateway/tests/it/certificates.rs",
        "a_certificate_that_names_nobody_here_opens_nothing",
    ),
    (
        "S58",
        "gateway/tests/it/certificates.rs",
        "renewed_files_are_taken_up_and_no_call_is_dropped",
    ),
    (
        "a slip in a key",
        "gateway/src/domain/key_text.rs",
        "a_key_is_read_back_and_every_slip_of_one_character_is_noticed",
    ),
    (
        "JSON nesting bomb",
        "gateway/src/dialects/message.rs",
        "hostile_json_is_refused_without_harm",
    ),
];

/// Numbers that the list of attacks leaves out.
const GAPS: [u32; 3] = [18, 19, 29];

#[test]
fn every_attack_of_the_list_has_a_row_or_a_test_elsewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for (id, file, test) in ELSEWHERE {
        let text = std::fs::read_to_string(root.join(file)).unwrap();
        assert!(
            text.contains(&format!("fn {test}")),
            "{id}: {file} has no {test}"
        );
    }
    let rows: Vec<&str> = every_row().map(|row| row.id).collect();
    let elsewhere = ELSEWHERE.iter().map(|(id, ..)| *id);
    let borne: BTreeSet<&str> = elsewhere.chain(rows).collect();
    let missing: Vec<String> = (1..=45)
        .filter(|number| !GAPS.contains(number))
        .map(|number| format!("S{number}"))
        .filter(|id| !borne.contains(id.as_str()))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
