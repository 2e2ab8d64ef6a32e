//! Rules for the tree that a reader should not have to enforce.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A folder whose files must not name something, and why.
struct Rule {
    path: &'static str,
    banned: &'static [&'static str],
    why: &'static str,
}

const SERVICES: [&str; 4] = ["profiles", "interactions", "routing", "loyalty"];

const RULES: &[Rule] = &[
    Rule {
        path: "/domain/",
        banned: &[
            "async fn",
            ".await",
            "sea_orm",
            "rapport_proto",
            "tonic",
            "tokio",
            // What a ticket is promised has clocks, too: functions of times that are given.
            "foundation::time::Clock",
            "foundation::time::{Clock",
            "SystemTime",
            "Instant::now",
        ],
        why: "domain decides and nothing else: no waiting, no storage, no wire, no clock (invariant 3)",
    },
    Rule {
        path: "/routing/src/simulate/",
        banned: &[
            "async fn",
            ".await",
            "sea_orm",
            "rapport_proto",
            "tonic",
            "tokio",
            "Clock",
            "SystemTime",
            "Instant::now",
            "std::fs",
            "std::thread",
        ],
        why: "what is simulated is a function of the scenario and the seed: no clock, no file, no thread",
    },
    Rule {
        path: "/store/",
        banned: &[
            "rapport_proto::profiles",
            "rapport_proto::routing",
            "rapport_proto::loyalty",
            "rapport_proto::interactions",
            "tonic::",
        ],
        why: "store speaks domain types; the wire belongs to grpc",
    },
    Rule {
        path: "/grpc/",
        banned: &["sea_orm", "Statement::"],
        why: "grpc decodes, calls and encodes; SQL belongs to store",
    },
    Rule {
        path: "/app/",
        banned: &[
            "sea_orm",
            "tonic::Status",
            "raw_one(",
            "raw_all(",
            "raw_exec(",
        ],
        why: "app loads, decides and stores; SQL belongs to store, statuses to foundation",
    },
];

#[test]
fn rooms_name_only_what_they_may() {
    let mut broken = Vec::new();
    for file in rust_files("services") {
        let path = file.to_string_lossy().into_owned();
        let text = production(&file);
        for rule in RULES
            .iter()
            .filter(|rule| in_a_service(&path) && path.contains(rule.path))
        {
            for word in rule.banned.iter().filter(|word| text.contains(**word)) {
                broken.push(format!("{path} names {word}: {}", rule.why));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn system_access_to_the_database_stays_in_its_room() {
    let mut broken = Vec::new();
    for file in rust_files("services") {
        let path = file.to_string_lossy().into_owned();
        let text = production(&file);
        let calls = text.contains(".system_read(") || text.contains(".system_write(");
        if in_a_service(&path)
            && calls
            && !path.contains("/store/system")
            && !path.contains("/store/verify")
        {
            broken.push(format!(
                "{path}: only store/system, and verification, may leave the tenant (invariant 5)"
            ));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn no_service_knows_another_services_crate() {
    for service in SERVICES {
        let manifest =
            fs::read_to_string(root().join(format!("services/{service}/Cargo.toml"))).unwrap();
        for other in SERVICES.iter().filter(|other| **other != service) {
            assert!(
                !manifest.contains(&format!("rapport-{other}")),
                "{service} depends on {other}: they meet in the contracts (invariant 2)"
            );
        }
    }
}

#[test]
fn one_place_builds_a_status() {
    let mut broken = Vec::new();
    for file in rust_files("services")
        .into_iter()
        .chain(rust_files("gateway"))
    {
        let path = file.to_string_lossy().into_owned();
        let text = production(&file);
        let builds = [
            "Status::new(",
            "Status::internal(",
            "Status::not_found(",
            "Status::invalid_argument(",
            "Status::with_error_details",
        ];
        let exempt = path.contains("foundation/src/error")
            || path.contains("/channel")
            || path.contains("services/suite/");
        if !exempt && builds.iter().any(|call| text.contains(call)) {
            broken.push(format!(
                "{path}: build a Failure, foundation::error makes the Status (invariant 4)"
            ));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_service_has_the_same_rooms() {
    let rooms = [
        "domain",
        "store",
        "migration",
        "app",
        "grpc",
        "work",
        "config",
        "error",
        "lib",
    ];
    for service in SERVICES {
        for room in rooms {
            let src = root().join("services").join(service).join("src");
            let found = src.join(room).is_dir() || src.join(format!("{room}.rs")).is_file();
            assert!(found, "services/{service} has no {room}");
        }
    }
}

#[test]
fn no_file_holds_more_than_one_idea() {
    let long: Vec<String> = ["services", "gateway", "tests", "proto/src"]
        .into_iter()
        .flat_map(rust_files)
        .filter_map(|file| {
            let lines = fs::read_to_string(&file).unwrap().lines().count();
            (lines > 500).then(|| format!("{}: {lines} lines", file.display()))
        })
        .collect();
    assert!(
        long.is_empty(),
        "past 500 lines a file wants to be two: {}",
        long.join(", ")
    );
}

#[test]
fn nothing_unfinished_is_left_behind() {
    let words = ["todo!(", "unimplemented!(", "dbg!(", "#[ignore", "FIXME"];
    let mut found = Vec::new();
    for file in ["services", "gateway", "tests/src", "proto/src"]
        .into_iter()
        .flat_map(rust_files)
    {
        let text = fs::read_to_string(&file).unwrap();
        for word in words.iter().filter(|word| text.contains(**word)) {
            found.push(format!("{} has {word}", file.display()));
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn the_binary_has_no_switch_for_its_protections() {
    let tree = std::process::Command::new(env!("CARGO"))
        .args([
            "tree",
            "--offline",
            "-p",
            "rapport-suite",
            "-e",
            "features,no-dev",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    assert!(tree.contains("rapport-gateway"), "{tree}");
    for member in ["rapport-gateway", "rapport-foundation"] {
        let feature = format!("{member} feature \"testing\"");
        assert!(
            !tree.contains(&feature),
            "{feature}: protections can be taken away in tests and nowhere else"
        );
    }
}

#[test]
fn the_top_level_holds_what_the_map_says() {
    let allowed = [
        "Cargo.toml",
        "Cargo.lock",
        "README.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "LICENSE",
        "proto",
        "services",
        "gateway",
        "deploy",
        "tests",
        "target",
    ];
    for entry in fs::read_dir(root()).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(
            name.starts_with('.') || allowed.contains(&name.as_str()),
            "{name} has no place at the top"
        );
    }
}

/// The code of a file without its unit tests and comments: those may name what they like.
fn production(file: &Path) -> String {
    let path = file.to_string_lossy();
    if path.contains("/tests/") || path.ends_with("/tests.rs") || path.contains("/testing/") {
        return String::new();
    }
    let text = fs::read_to_string(file).unwrap();
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn in_a_service(path: &str) -> bool {
    SERVICES
        .iter()
        .any(|service| path.contains(&format!("services/{service}/src/")))
}

fn rust_files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir()
                && path
                    .file_name()
                    .is_some_and(|name| name != "target" && name != ".venv")
            {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}

fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap().to_path_buf()
}
