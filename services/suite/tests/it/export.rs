//! The log as files, written by the binary.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use rapport_proto::interactions::v1::interaction_service_client::InteractionServiceClient;
use rapport_proto::interactions::v1::{
    InteractionInput, LinkState, Part, Participant, ParticipantRole, UploadInteractionsRequest,
    part::Content,
};
use rapport_proto::types::v1::{
    Channel, Direction, Identifier, IdentifierType, InteractionKind, Purpose,
};
use rapport_suite::embed::Who;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::stage::{Stage, rapport, stderr, stdout};

/// When the first contact took place: the first of January 2026, midnight in UTC.
const THEN: i64 = 1_767_225_600;

fn contact(number: i64, filler: usize) -> InteractionInput {
    let identifier = Identifier {
        r#type: IdentifierType::Phone.into(),
        value: format!("+6281200000{}", 10 + number % 5),
        ..Identifier::default()
    };
    InteractionInput {
        external_id: format!("m-{number:04}"),
        kind: InteractionKind::Message.into(),
        channel: Channel::Messaging.into(),
        direction: Direction::Inbound.into(),
        purpose: if number % 2 == 0 {
            Purpose::Support
        } else {
            Purpose::Complaint
        }
        .into(),
        event_time: Some(prost_types::Timestamp {
            seconds: THEN + number * 3600,
            nanos: 0,
        }),
        history: true,
        participants: vec![Participant {
            role: ParticipantRole::Customer.into(),
            identifier: Some(identifier),
            ..Participant::default()
        }],
        parts: vec![Part {
            content: Some(Content::Text(format!(
                "Halo, \"{number}\"\n{}",
                "x".repeat(filler)
            ))),
            ..Part::default()
        }],
        ..InteractionInput::default()
    }
}

/// Logs contacts and waits until nothing more becomes known of them.
async fn logged(stage: &Stage, count: i64, filler: usize) {
    let connector = stage.suite.client(&Who::connector(stage.tenant, "file"));
    let items: Vec<_> = (0..count)
        .map(|number| UploadInteractionsRequest {
            interaction: Some(contact(number, filler)),
            fact: None,
        })
        .collect();
    let answer = InteractionServiceClient::new(connector.unwrap())
        .upload_interactions(futures::stream::iter(items))
        .await;
    assert_eq!(answer.unwrap().into_inner().logged_count, count);
    wait_for("everything is linked", async || {
        let all = stage.interactions().await;
        all.iter().all(|one| one.link_state() == LinkState::Linked)
    })
    .await;
}

async fn wait_for(what: &str, mut happened: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !happened().await {
        assert!(Instant::now() < deadline, "{what}: not in a minute");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn token(stage: &Stage, role: &str) -> String {
    let who = Who::holding(stage.tenant, role, &[role]);
    stage.suite.token(&who).unwrap()
}

async fn export(stage: &Stage, more: &[&str]) -> Output {
    let (url, token) = (stage.suite.url(), token(stage, "analyst"));
    let target = ["--gateway", &url, "--token", &token];
    rapport(&[&["export", "interactions"], more, &target].concat()).await
}

async fn exported(stage: &Stage, name: &str, more: &[&str]) -> PathBuf {
    let file = stage.path(name);
    let output = export(stage, &[&[file.to_str().unwrap()], more].concat()).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stdout(&output).contains(" contacts in "),
        "{}",
        stdout(&output)
    );
    file
}

/// Name and text of each contact of a file.
type Rows = Vec<(String, String)>;

fn ndjson(text: &str) -> Rows {
    let row = |line: &str| {
        let one: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let input = &one["input"];
        (
            text(&input["external_id"]),
            text(&input["parts"][0]["text"]),
        )
    };
    text.lines().map(row).collect()
}

fn csv(file: &Path) -> Rows {
    let mut reader = csv::Reader::from_path(file).unwrap();
    let header = reader.headers().unwrap().clone();
    let place = |name: &str| header.iter().position(|one| one == name).unwrap();
    let (name, text) = (place("external_id"), place("text"));
    let rows = reader.records().map(|row| row.unwrap());
    rows.map(|row| (row[name].to_owned(), row[text].to_owned()))
        .collect()
}

fn parquet(file: &Path) -> Rows {
    let reader = SerializedFileReader::try_from(file).unwrap();
    let rows = reader.get_row_iter(None).unwrap().map(|row| {
        let row = row.unwrap();
        let text = |wanted: &str| {
            let mut columns = row.get_column_iter();
            match columns.find(|(name, _)| *name == wanted) {
                Some((_, Field::Str(text))) => text.clone(),
                other => panic!("{wanted} is {other:?}"),
            }
        };
        (text("external_id"), text("text"))
    });
    rows.collect()
}

fn expected(numbers: impl Iterator<Item = i64>, filler: usize) -> Rows {
    let row = |number| {
        let text = format!("Halo, \"{number}\"\n{}", "x".repeat(filler));
        (format!("m-{number:04}"), text)
    };
    numbers.map(row).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_every_format_holds_what_fits_in_its_order() {
    let stage = Stage::open().await;
    logged(&stage, 60, 3).await;
    let all = expected(0..60, 3);
    let file = exported(&stage, "all.ndjson", &[]).await;
    assert_eq!(ndjson(&std::fs::read_to_string(&file).unwrap()), all);
    assert_eq!(csv(&exported(&stage, "all.csv", &[]).await), all);
    // Row groups of their own, put together.
    let file = exported(&stage, "all.parquet", &["--group-rows", "25"]).await;
    assert_eq!(parquet(&file), all);
    let reader = SerializedFileReader::try_from(file.as_path()).unwrap();
    assert_eq!(reader.metadata().num_row_groups(), 3);
    let row = reader.get_row_iter(None).unwrap().next().unwrap().unwrap();
    let fields: Vec<(&String, &Field)> = row.get_column_iter().collect();
    let field = |name: &str| {
        let found = fields.iter().find(|(one, _)| *one == name);
        (*found.unwrap().1).clone()
    };
    assert_eq!(
        field("event_time"),
        Field::TimestampMicros(THEN * 1_000_000)
    );
    assert_eq!(field("channel"), Field::Str("MESSAGING".into()));
    assert_eq!(field("history"), Field::Bool(true));
    assert_eq!(field("order_id"), Field::Null);
    assert!(matches!(field("customer_id"), Field::Str(id) if id.starts_with("cus_")));
    // Nothing of the way there is left.
    let mut left: Vec<_> = std::fs::read_dir(file.parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["all.csv", "all.ndjson", "all.parquet", "data"]);

    // To standard output, with conditions.
    let day = ["--from", "2026-01-02", "--until", "2026-01-03T00:00:00Z"];
    let output = export(&stage, &[&day[..], &["--purpose", "complaint"]].concat()).await;
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let odd = expected((24..48).filter(|number| number % 2 == 1), 3);
    assert_eq!(ndjson(&stdout(&output)), odd);
    assert!(stderr(&output).starts_with("12 contacts in "));
    let output = export(&stage, &["--format", "parquet", "--group-rows", "40"]).await;
    let piped = stage.write("piped.parquet", &output.stdout);
    assert_eq!(parquet(&piped), all);
    // Of what there is nothing of there is an empty file.
    let file = exported(&stage, "no.parquet", &["--connector", "nobody"]).await;
    assert_eq!(parquet(&file), []);
    stage.suite.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_overwritten_or_mixed_and_who_may_not_is_refused() {
    let stage = Stage::open().await;
    logged(&stage, 5, 3).await;
    let file = exported(&stage, "a.csv", &[]).await;
    let before = std::fs::read(&file).unwrap();
    let name = file.to_str().unwrap();
    let again = export(&stage, &[name]).await;
    assert_eq!(again.status.code(), Some(64), "{}", stderr(&again));
    assert_eq!(std::fs::read(&file).unwrap(), before);
    let unknown = export(&stage, &[stage.path("a.xlsx").to_str().unwrap()]).await;
    assert_eq!(unknown.status.code(), Some(64), "{}", stderr(&unknown));

    // The beginning of another export, and something that is none.
    let state = "{\"fingerprint\":\"x\",\"cursor\":\"c\",\"rows\":1,\"bytes\":4}";
    stage.write("b.csv.part.state", state.as_bytes());
    stage.write("b.csv.part", b"none");
    stage.write("c.parquet.part", b"none");
    for name in ["b.csv", "c.parquet"] {
        let file = stage.path(name);
        let output = export(&stage, &[file.to_str().unwrap()]).await;
        assert_eq!(output.status.code(), Some(64), "{}", stderr(&output));
        let part = stage.path(&format!("{name}.part"));
        assert_eq!(std::fs::read(part).unwrap(), b"none");
    }

    let (url, agent) = (stage.suite.url(), token(&stage, "agent"));
    let target = ["--gateway", &url, "--token", &agent];
    let refused = rapport(&[&["export", "interactions"][..], &target].concat()).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        stderr(&refused).contains("PermissionDenied"),
        "{}",
        stderr(&refused)
    );
    // What was refused has left nothing that another export could not begin over.
    let nobody = "cus_01h455vb4pex5vsknk084sn02q";
    let file = stage.path("d.ndjson");
    let name = file.to_str().unwrap();
    let refused = export(&stage, &[name, "--customer", nobody]).await;
    assert!(
        stderr(&refused).contains("NotFound"),
        "{}",
        stderr(&refused)
    );
    let file = exported(&stage, "d.ndjson", &[]).await;
    assert_eq!(
        ndjson(&std::fs::read_to_string(file).unwrap()),
        expected(0..5, 3)
    );
    stage.suite.stop().await;
}

/// A way to the gateway on which no more than so many bytes come back.
async fn narrow(gateway: SocketAddr, most: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((caller, _)) = listener.accept().await {
            tokio::spawn(async move {
                let gateway = TcpStream::connect(gateway).await.unwrap();
                let (mut answers, mut requests) = gateway.into_split();
                let (mut from, mut to) = caller.into_split();
                tokio::spawn(async move { tokio::io::copy(&mut from, &mut requests).await });
                let mut left = most;
                let mut buffer = vec![0; 16 * 1024];
                while left > 0 {
                    let room = left.min(buffer.len());
                    match answers.read(&mut buffer[..room]).await {
                        Ok(0) | Err(_) => return,
                        Ok(read) => {
                            left -= read;
                            if to.write_all(&buffer[..read]).await.is_err() {
                                return;
                            }
                        }
                    }
                }
                std::future::pending::<()>().await;
            });
        }
    });
    url
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_export_goes_on_without_losing_or_doubling_a_row() {
    let stage = Stage::open().await;
    logged(&stage, 400, 2000).await;
    let all = expected(0..400, 2000);
    let url = narrow(stage.suite.address(), 300_000).await;
    let token = token(&stage, "manager");
    for (name, kept) in [
        ("k.ndjson", "k.ndjson.part.state"),
        ("k.csv", "k.csv.part.state"),
        ("k.parquet", "k.parquet.part/000002.parquet"),
    ] {
        let file = stage.path(name);
        let mut killed = tokio::process::Command::new(env!("CARGO_BIN_EXE_rapport"))
            .args(["export", "interactions", file.to_str().unwrap()])
            .args(["--gateway", &url, "--token", &token, "--group-rows", "30"])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let kept = stage.path(kept);
        wait_for("something is kept", async || {
            let text = std::fs::read_to_string(&kept).unwrap_or_default();
            let state: Option<serde_json::Value> = serde_json::from_str(&text).ok();
            match state {
                Some(state) => state["rows"].as_u64() > Some(0),
                None => kept.extension() == file.extension() && kept.exists(),
            }
        })
        .await;
        assert!(killed.try_wait().unwrap().is_none(), "it waits for more");
        killed.kill().await.unwrap();
        assert!(!file.exists(), "what is not whole has no name");

        let whole = exported(&stage, name, &["--group-rows", "30"]).await;
        let rows = match name.rsplit('.').next() {
            Some("ndjson") => ndjson(&std::fs::read_to_string(&whole).unwrap()),
            Some("csv") => csv(&whole),
            _ => parquet(&whole),
        };
        assert!(rows == all, "{name} holds {} rows", rows.len());
        // The same as without an interruption, to the byte where bytes are in rows.
        let other = exported(&stage, &format!("other-{name}"), &[]).await;
        if !name.ends_with("parquet") {
            assert!(std::fs::read(&whole).unwrap() == std::fs::read(other).unwrap());
        }
    }
    stage.suite.stop().await;
}
