#![expect(clippy::unwrap_used, reason = "tests")]

use super::super::row::Values;
use super::*;

fn header(names: &str) -> Header {
    Header {
        names: names.split(',').map(str::to_owned).collect(),
    }
}

fn row(cells: &str) -> Row {
    Row {
        line: 2,
        values: Values::Cells(cells.split(',').collect()),
        raw: cells.to_owned(),
    }
}

fn map(text: &str) -> Map {
    toml::from_str(text).unwrap()
}

const SMALL: &str = r#"
[contact]
external_id = { column = "id" }
event_time = { column = "at" }
kind = { column = "kind", absent = "MESSAGE" }
channel = "WEB"
direction = "INBOUND"
"#;

#[test]
fn everything_wrong_with_a_map_is_told_at_once() {
    let wrong = r#"
[source]
first_by = "key"
[time]
zone = "Nowhere"
[contact]
external_id = { column = "gone" }
event_time = { template = "{at" }
kind = "LETTER"
channel = { column = "how", values = { x = "FAX" } }
direction = "INBOUND"
[[identifier]]
type = "NAME"
value = { column = "who" }
"#;
    let refused = Mapping::bind(&map(wrong), &header("id,at,how,who"), true);
    let Err(MapError::Faults(faults)) = refused else {
        panic!("the map must be refused")
    };
    for part in [
        "time: `Nowhere`",
        "contact.external_id: the file has no column `gone`",
        "contact.event_time",
        "`LETTER`",
        "`FAX`",
        "source.first_by",
        "`NAME`",
    ] {
        let told = faults.iter().any(|fault| fault.contains(part));
        assert!(told, "{part} is not in {faults:#?}");
    }
}

#[test]
fn everything_wrong_with_a_row_is_told_at_once() {
    let mapping = Mapping::bind(&map(SMALL), &header("id,at,kind"), true).unwrap();
    let faults = mapping.contact(&row(",yesterday,LETTER")).unwrap_err();
    assert_eq!(faults.len(), 3, "{faults:?}");
    let input = mapping.contact(&row("7,2026-01-01T00:00:00Z,")).unwrap();
    assert_eq!(input.kind(), types::InteractionKind::Message);
    assert!(!input.history && input.participants.is_empty() && input.routing.is_none());
}

#[test]
fn orders_hints_skills_and_several_identifiers_find_their_place() {
    let text = format!(
        "{SMALL}{}",
        r#"
skills = ["billing", { column = "lang", template = "" , values = {} }]
"#
    );
    assert!(
        Mapping::bind(&map(&text), &header("id,at,kind,lang"), true).is_err(),
        "a column and a template together are a mistake"
    );
    let text = format!(
        "{SMALL}{}",
        r#"
skills = ["billing", { template = "lang-{lang}" }]
language = { column = "lang" }
automatic = { column = "auto" }
display_name = { column = "name" }
[[identifier]]
type = "PHONE"
value = { column = "phone" }
namespace = "ID"
[[identifier]]
type = "EMAIL"
value = { column = "mail" }
[order]
id = { column = "order" }
total = { column = "total" }
currency = "IDR"
exponent = 0
[attributes]
site = { column = "site" }
"#
    );
    let header = header("id,at,kind,lang,auto,name,phone,mail,order,total,site");
    let mapping = Mapping::bind(&map(&text), &header, false).unwrap();
    let full = "1,2026-01-01T00:00:00Z,ORDER,id,no,N,0812,a@example.com,o-1,150000,x";
    let input = mapping.contact(&row(full)).unwrap();
    assert!(input.history && !input.automatic);
    assert_eq!(
        input.routing.unwrap().required_skills,
        ["billing", "lang-id"]
    );
    assert_eq!(input.hints.unwrap().language, "id");
    assert_eq!(input.order.unwrap().total.unwrap().units, 150_000);
    assert_eq!(input.attributes["site"], "x");
    let customer = &input.participants[0];
    assert_eq!(customer.identifier.as_ref().unwrap().namespace, "ID");
    assert_eq!(customer.further_identifiers[0].value, "a@example.com");
    assert_eq!(customer.display_name, "N");

    // Without the phone the mail address is the strongest; without an order id there is no order.
    let sparse = "2,2026-01-01T00:00:00Z,,,,,,a@example.com,,,";
    let input = mapping.contact(&row(sparse)).unwrap();
    assert_eq!(
        input.participants[0].identifier.as_ref().unwrap().value,
        "a@example.com"
    );
    assert!(input.order.is_none() && input.hints.is_none());
    assert_eq!(input.routing.unwrap().required_skills, ["billing"]);

    let wrong = "3,2026-01-01T00:00:00Z,ORDER,id,maybe,N,0812,,o-1,1.5,x";
    assert_eq!(mapping.contact(&row(wrong)).unwrap_err().len(), 2);
}

#[test]
fn the_map_of_the_incident_log_fits_its_header() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/maps/incident_log.toml"
    );
    let map = map(&std::fs::read_to_string(path).unwrap());
    let header = header(
        "number,ident_state,active,reassignment_count,reopen_count,sys_mod_count,made_sla,caller_id,opened_by,\
         opened_at,sys_created_by,sys_created_at,sys_updated_by,sys_updated_at,contact_type,location,category,\
         category,u_symptom,cmdb_ci,impact,urgency,priority,assignment_group,assigned_to,knowledge,\
         u_priority_confirmation,notify,problem_id,rfc,vendor,caused_by,closed_code,resolved_by,resolved_at,closed_at",
    );
    let mapping = Mapping::bind(&map, &header, true).unwrap();
    let known = row(
        "0000001,New,true,0,0,0,true,17,8,29/2/2016 01:16,6,?,21,?,Phone,143,55,170,72,?,2,2,3,56,?,true,false,\
         x,?,?,?,?,5,149,?,?",
    );
    assert_eq!(mapping.key(&known), Ok(Some("0000001".into())));
    let input = mapping.contact(&known).unwrap();
    assert_eq!(
        (input.external_id.as_str(), input.thread_key.as_str()),
        ("0000001", "0000001")
    );
    assert_eq!(input.kind(), types::InteractionKind::Message);
    assert_eq!(input.channel(), types::Channel::Phone);
    assert_eq!(input.event_time.unwrap().seconds, 1_456_708_560);
    assert_eq!(input.routing.clone().unwrap().queue, "group-56");
    assert_eq!(input.routing.unwrap().priority(), types::Priority::Normal);
    let customer = input.participants[0].identifier.clone().unwrap();
    assert_eq!(
        (customer.namespace.as_str(), customer.value.as_str()),
        ("incident_log", "17")
    );
    assert_eq!(
        (
            input.attributes["category"].as_str(),
            input.attributes["subcategory"].as_str()
        ),
        ("55", "170")
    );

    let unknown = row(
        "0000002,New,true,0,0,0,true,?,8,1/3/2016 10:00,6,?,21,?,Email,143,55,170,72,?,2,2,1,?,?,true,false,\
         x,?,?,?,?,5,149,?,?",
    );
    let input = mapping.contact(&unknown).unwrap();
    assert!(input.participants.is_empty());
    let routing = input.routing.unwrap();
    assert_eq!(
        (routing.queue.as_str(), routing.priority()),
        ("", types::Priority::Urgent)
    );
}
