//! Files that are as broken as files are.

use std::io::Write as _;
use std::path::Path;

use rapport_proto::types::v1::{Channel, Priority};

use crate::stage::{Stage, stderr, stdout};

const MAP: &str = r#"
[source]
missing = ["?"]
first_by = "number"

[time]
zone = "Asia/Jakarta"
formats = ["%d/%m/%Y %H:%M"]

[contact]
external_id = { column = "number" }
thread_key = { column = "number" }
event_time = { column = "opened" }
kind = "MESSAGE"
channel = { column = "how", values = { Phone = "PHONE", Email = "EMAIL" } }
direction = "INBOUND"
purpose = "SUPPORT"
text = { column = "said" }
queue = { template = "group-{group}" }
priority = { column = "urgency", values = { "1" = "URGENT", "2" = "NORMAL" } }

[[identifier]]
type = "EXTERNAL"
namespace = "desk"
value = { column = "caller" }

[attributes]
category = { column = 7 }
subcategory = { column = 8 }
"#;

/// Line 1 is the header, which names a column twice.
const FILE: &[u8] = b"number,how,opened,caller,said,group,category,category,urgency\n\
1,Phone,29/2/2016 01:16,17,\"line, one\nline two\",7,a,b,1\n\
1,Phone,29/2/2016 01:16,17,again,7,a,b,1\n\
2,Email,1/3/2016 10:00,?,hello,?,a,b,2\n\
3,Email,1/3/2016 10:00,18\n\
4,Email,1/3/2016 10:00,18,\xff\xfe,7,a,b,2\n\
5,Fax,1/3/2016 10:00,18,x,7,a,b,2\n\
6,Email,31/2/2016 10:00,18,x,7,a,b,2\n\
7,Email,1/3/2016 10:00,18,\"never closed,7,a,b,2\n\
8,Phone,1/3/2016 10:01,17,bye,7,a,b,2\n";

fn counts(report: &str) -> Vec<u64> {
    ["accepted", "folded", "duplicate", "rejected"]
        .map(|word| {
            let line = report
                .lines()
                .find(|line| line.starts_with(word))
                .expect("the table has a line for each");
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        })
        .to_vec()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_ends_somewhere_and_a_second_import_changes_nothing() {
    let stage = Stage::open().await;
    let map = stage.write("map.toml", MAP.as_bytes());
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(FILE).unwrap();
    // Compression is told by content, not by name.
    let file = stage.write("contacts.csv", &packed.finish().unwrap());

    let first = stage.import(&file, &map).await;
    assert_eq!(first.status.code(), Some(2), "{}", stderr(&first));
    assert_eq!(counts(&stdout(&first)), [3, 1, 0, 5], "{}", stdout(&first));
    let rejects = std::fs::read_to_string(stage.path("contacts.csv.rejects.csv")).unwrap();
    let reasons: Vec<String> = rejects
        .lines()
        .skip(1)
        .map(|line| line.splitn(3, ',').take(2).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        reasons,
        [
            "6 COLUMN_COUNT",
            "7 NOT_UTF8",
            "8 UNMAPPABLE",
            "9 UNMAPPABLE",
            "10 UNCLOSED_QUOTE"
        ]
    );
    assert!(!stage.path("contacts.csv.rejects.csv.state").exists());

    let logged = stage.interactions().await;
    assert_eq!(logged.len(), 3);
    let first_row = logged
        .iter()
        .find(|row| row.input.as_ref().unwrap().external_id == "1")
        .unwrap();
    let input = first_row.input.clone().unwrap();
    assert!(input.history, "without --live rows are history");
    assert_eq!(input.channel(), Channel::Phone);
    // 01:16 in Jakarta is 18:16 of the day before in UTC.
    assert_eq!(input.event_time.unwrap().seconds, 1_456_683_360);
    assert_eq!(input.routing.clone().unwrap().queue, "group-7");
    assert_eq!(input.routing.unwrap().priority(), Priority::Urgent);
    assert_eq!(
        (
            input.attributes["category"].as_str(),
            input.attributes["subcategory"].as_str()
        ),
        ("a", "b")
    );
    assert_eq!(
        input.participants[0].identifier.clone().unwrap().value,
        "17"
    );
    let anonymous = logged
        .iter()
        .find(|row| row.input.as_ref().unwrap().external_id == "2")
        .unwrap();
    assert!(anonymous.input.as_ref().unwrap().participants.is_empty());

    let second = stage.import(&file, &map).await;
    assert_eq!(counts(&stdout(&second)), [0, 1, 3, 5]);
    assert_eq!(stage.interactions().await.len(), 3);
    stage.suite.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_suite_refuses_is_a_reject_with_its_reason() {
    let stage = Stage::open().await;
    let map = stage.write("map.toml", MAP.as_bytes());
    let row = |number: u32, caller: &str, said: &str| {
        format!("{number},Phone,1/3/2016 10:00,{caller},{said},7,a,b,1\n")
    };
    let header = "number,how,opened,caller,said,group,category,category,urgency\n";
    let good = format!("{header}{}", row(1, "17", "x"));
    let good = stage.write("good.csv", good.as_bytes());
    assert_eq!(stage.import(&good, &map).await.status.code(), Some(0));

    // The same key with other content, and a value beyond its limit.
    let bad = format!(
        "{header}{}{}{}",
        row(1, "17", "y"),
        row(2, &"9".repeat(400), "x"),
        row(3, "18", "x")
    );
    let bad = stage.write("bad.csv", bad.as_bytes());
    let output = stage.import(&bad, &map).await;
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert_eq!(
        counts(&stdout(&output)),
        [1, 0, 0, 2],
        "{}",
        stdout(&output)
    );
    let rejects = std::fs::read_to_string(stage.path("bad.csv.rejects.csv")).unwrap();
    assert!(rejects.contains("2,EXTERNAL_ID_REUSED,"), "{rejects}");
    stage.suite.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_goes_on_when_the_suite_comes_back() {
    let stage = Stage::open().await;
    let map = stage.write("map.toml", MAP.as_bytes());
    let mut file = b"number,how,opened,caller,said,group,category,category,urgency\n".to_vec();
    for number in 0..2_000 {
        writeln!(
            file,
            "{number},Phone,1/3/2016 10:00,{},x,7,a,b,1",
            number % 50
        )
        .unwrap();
    }
    let file = stage.write("many.csv", &file);
    let token = stage.connector_token();
    let (address, dir) = (stage.suite.address(), stage.suite.dir().to_owned());
    let url = stage.suite.url();
    let import = tokio::spawn({
        let (file, map) = (file.clone(), map.clone());
        async move {
            let arguments = [
                "import",
                "interactions",
                path(&file),
                "--map",
                path(&map),
                "--gateway",
                &url,
                "--token",
                &token,
            ];
            crate::stage::rapport(&arguments).await
        }
    });
    // The state file is there once the import has begun.
    let state = stage.path("many.csv.rejects.csv.state");
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !state.exists() {
        assert!(
            std::time::Instant::now() < deadline,
            "the import does not begin"
        );
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    stage.suite.stop().await;

    let mut options = rapport_suite::embed::Options::in_dir(&dir);
    options.config.gateway.listen.address = address;
    let suite = rapport_suite::embed::Suite::start(options).await.unwrap();
    let output = import.await.unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(
        counts(&stdout(&output)),
        [2_000, 0, 0, 0],
        "{}",
        stdout(&output)
    );
    suite.stop().await;
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_reaches_nobody_or_may_not_says_so_and_can_be_resumed() {
    let stage = Stage::open().await;
    let map = stage.write("map.toml", MAP.as_bytes());
    let file = stage.write("contacts.csv", FILE);
    let manager = rapport_suite::embed::Who::holding(stage.tenant, "manager", &["manager"]);
    let token = stage.suite.token(&manager).unwrap();
    let command = [
        "import",
        "interactions",
        path(&file),
        "--map",
        path(&map),
        "--token",
        &token,
        "--gateway",
    ];
    let url = stage.suite.url();
    let refused = crate::stage::rapport(&[&command[..], &[&url]].concat()).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        stderr(&refused).contains("PermissionDenied"),
        "{}",
        stderr(&refused)
    );
    assert!(stage.path("contacts.csv.rejects.csv.state").exists());

    stage.suite.stop().await;
    let nobody =
        crate::stage::rapport(&[&command[..], &[&url, "--give-up-after", "1s"]].concat()).await;
    assert_eq!(nobody.status.code(), Some(1));
    assert!(
        stderr(&nobody).contains("out of reach"),
        "{}",
        stderr(&nobody)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_import_goes_on_where_it_was_and_counts_nothing_twice() {
    const ROWS: u64 = 4_000;
    let stage = Stage::open().await;
    let map = stage.write("map.toml", MAP.as_bytes());
    let mut file = b"number,how,opened,caller,said,group,category,category,urgency\n".to_vec();
    for number in 0..ROWS {
        writeln!(
            file,
            "{number},Phone,1/3/2016 10:00,{},x,7,a,b,1",
            number % 50
        )
        .unwrap();
    }
    writeln!(file, "too,short").unwrap();
    let file = stage.write("many.csv", &file);
    let (url, token) = (stage.suite.url(), stage.connector_token());
    let mut killed = tokio::process::Command::new(env!("CARGO_BIN_EXE_rapport"))
        .args(["import", "interactions", path(&file), "--map", path(&map)])
        .args(["--gateway", &url, "--token", &token, "--concurrency", "32"])
        .spawn()
        .unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while stage.interactions().await.len() < 300 {
        assert!(
            std::time::Instant::now() < deadline,
            "the import does not get on"
        );
    }
    killed.kill().await.unwrap();

    let output = stage.import(&file, &map).await;
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    assert_eq!(
        counts(&stdout(&output)),
        [ROWS, 0, 0, 1],
        "{}",
        stdout(&output)
    );
    let rejects = std::fs::read_to_string(stage.path("many.csv.rejects.csv")).unwrap();
    assert_eq!(rejects.lines().count(), 2, "{rejects}");
    stage.suite.stop().await;
}
