#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct House {
    name: String,
    gate: Gate,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Gate {
    listen: String,
    limit: u32,
    origins: Vec<String>,
    password: Option<Secret>,
    ratio: Option<f64>,
    upstreams: BTreeMap<String, String>,
    database_url: String,
    tls: Option<Tls>,
}

/// Not there by default, and neither of the first two is right without the other.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tls {
    certificate: String,
    key: String,
    depth: Option<u32>,
}

impl Default for House {
    fn default() -> Self {
        House {
            name: "house".into(),
            gate: Gate::default(),
        }
    }
}

impl Default for Gate {
    fn default() -> Self {
        Gate {
            listen: "127.0.0.1:0".into(),
            limit: 10,
            origins: Vec::new(),
            password: None,
            ratio: None,
            upstreams: BTreeMap::new(),
            database_url: "postgres://app:hunter2@db/house".into(),
            tls: None,
        }
    }
}

fn file(text: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("rapport-config-{}.toml", uuid::Uuid::now_v7()));
    std::fs::write(&path, text).unwrap();
    path
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn nothing_given_is_the_default() {
    let house: House = load(None, [], Vec::new()).unwrap();
    assert_eq!(house, House::default());
}

#[test]
fn later_sources_win_and_texts_take_the_type_the_setting_wants() {
    let path = file("name = \"file\"\n[gate]\nlimit = 5\nlisten = \"file:1\"\nratio = 0.5\n");
    let env = variables(&[
        ("RAPPORT_GATE__LISTEN", "env:2"),
        ("RAPPORT_GATE__LIMIT", "6"),
        ("RAPPORT_GATE__ORIGINS", "a, b"),
        ("RAPPORT_GATE__PASSWORD", "12345"),
        ("RAPPORT_GATE__UPSTREAMS__PROFILES", "http://p:1"),
        ("RAPPORT_TEST_POSTGRES", "postgres://elsewhere"),
        ("PATH", "/bin"),
    ]);
    let flags = vec![("gate.limit".to_owned(), "7".to_owned())];
    let house: House = load(Some(&path), env, flags).unwrap();
    assert_eq!(house.name, "file");
    assert_eq!(house.gate.listen, "env:2");
    assert_eq!(house.gate.limit, 7);
    assert_eq!(house.gate.origins, ["a", "b"]);
    assert_eq!(house.gate.password.unwrap().expose(), "12345");
    assert_eq!(house.gate.ratio, Some(0.5));
    assert_eq!(house.gate.upstreams["profiles"], "http://p:1");
    std::fs::remove_file(path).unwrap();
}

#[test]
fn all_faults_of_all_sources_are_reported_at_once() {
    let path = file("nam = \"x\"\n[gate]\nlimit = \"many\"\nratio = true\n");
    let env = variables(&[
        ("RAPPORT_GATE__LIMITS", "6"),
        ("RAPPORT_GATE__LISTEN__PORT", "6"),
        ("RAPPORT_XYZZY", "6"),
    ]);
    let flags = vec![("gate.limit".to_owned(), "-1".to_owned())];
    let ConfigFaults(faults) = load::<House>(Some(&path), env, flags).unwrap_err();
    let told: Vec<_> = faults
        .iter()
        .map(|fault| (fault.key.as_str(), fault.problem.as_str()))
        .collect();
    let expect = |key: &str, part: &str| {
        assert!(
            told.iter()
                .any(|(k, problem)| *k == key && problem.contains(part)),
            "{key}: {part} is not in {told:?}"
        );
    };
    expect("nam", "did you mean `name`?");
    expect("gate.limit", "invalid type");
    expect("gate.ratio", "invalid type");
    expect("gate.limits", "did you mean `limit`?");
    expect("gate.listen.port", "`gate.listen` is one value");
    expect("xyzzy", "`xyzzy` is not known");
    expect("gate.limit", "-1");
    assert_eq!(told.len(), 7);
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_file_that_is_missing_or_no_toml_is_a_fault_with_its_name() {
    let faults = load::<House>(Some(Path::new("/nowhere.toml")), [], Vec::new()).unwrap_err();
    assert!(faults.to_string().contains("/nowhere.toml: cannot be read"));
    let path = file("[gate\n");
    let faults = load::<House>(Some(&path), [], Vec::new()).unwrap_err();
    assert!(faults.to_string().contains("line 1"), "{faults}");
    std::fs::remove_file(path).unwrap();
}

#[test]
fn a_secret_comes_from_a_file_and_shows_in_no_dump() {
    let secret = file("hunter3\n");
    let path = file(&format!("[gate]\npassword = {{ file = {secret:?} }}\n"));
    let house: House = load(Some(&path), [], Vec::new()).unwrap();
    assert_eq!(house.gate.password.as_ref().unwrap().expose(), "hunter3");
    let dump = redacted(&house);
    assert!(!dump.contains("hunter"), "{dump}");
    assert!(dump.contains("password = \"***\""), "{dump}");
    assert!(dump.contains("postgres://app:***@db/house"), "{dump}");
    assert!(!format!("{house:?}").contains("hunter3"));
    std::fs::remove_file(path).unwrap();
    std::fs::remove_file(secret).unwrap();
}

#[test]
fn a_section_that_is_not_there_by_default_is_set_as_a_whole_from_all_sources() {
    let file = file("[gate.tls]\ncertificate = \"/a\"\nkey = \"/b\"\n");
    let house: House = load(Some(&file), [], Vec::new()).unwrap();
    let tls = |key: &str, depth| Tls {
        certificate: "/a".into(),
        key: key.into(),
        depth,
    };
    assert_eq!(house.gate.tls, Some(tls("/b", None)));
    let env = variables(&[("RAPPORT_GATE__TLS__KEY", "/c")]);
    let flags = vec![("gate.tls.depth".to_owned(), "3".to_owned())];
    let house: House = load(Some(&file), env, flags).unwrap();
    assert_eq!(house.gate.tls, Some(tls("/c", Some(3))));
}

#[test]
fn a_section_that_lacks_something_is_one_fault_that_says_what() {
    let flags = vec![("gate.tls.key".to_owned(), "/b".to_owned())];
    let ConfigFaults(faults) = load::<House>(None, [], flags).unwrap_err();
    let [fault] = faults.as_slice() else {
        panic!("one fault: {faults:?}");
    };
    assert_eq!(fault.key, "gate.tls.key");
    assert!(fault.problem.contains("certificate"), "{}", fault.problem);
}
