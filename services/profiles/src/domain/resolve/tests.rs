use proptest::prelude::*;
use rapport_foundation::time::Micros;

use super::*;

const AT: Micros = Micros(1_700_000_000_000_000);

fn key(kind: Kind, namespace: &str, value: &str) -> Key {
    Key {
        kind,
        namespace: namespace.into(),
        index: value.as_bytes().to_vec(),
    }
}

fn phone(value: &str) -> Key {
    key(Kind::Phone, "", value)
}

fn email(value: &str) -> Key {
    key(Kind::Email, "", value)
}

fn cookie(value: &str) -> Key {
    key(Kind::Handle, "web", value)
}

fn crm(value: &str) -> Key {
    key(Kind::External, "crm", value)
}

fn ask(source: &str, keys: &[Key]) -> Ask {
    let mut keys = keys.to_vec();
    keys.sort();
    Ask {
        set: keys.iter().flat_map(|key| key.index.clone()).collect(),
        keys,
        source: source.into(),
        offered: Hinted::default(),
    }
}

/// Decides and enters, as the store's batch does.
fn settle(directory: &mut Directory, ask: &Ask) -> (Decision, Place) {
    let decision = directory.decide(ask);
    let place = match decision.landing {
        Landing::On(place) => place,
        Landing::Beside(beside) => Place {
            record: RecordId::new(AT),
            ..beside
        },
        Landing::Founding => {
            let customer = CustomerId::new(AT);
            Place {
                record: RecordId::new(AT),
                home: customer,
                customer,
            }
        }
    };
    let ids: Vec<IdentifierId> = decision
        .attached
        .iter()
        .map(|_| IdentifierId::new(AT))
        .collect();
    directory.enter(ask, &decision, place, &ids);
    (decision, place)
}

#[test]
fn what_nobody_knows_founds_a_customer_and_the_second_call_finds_it() {
    let mut directory = Directory::default();
    let first = ask("line", &[phone("1"), email("a")]);
    let (decision, place) = settle(&mut directory, &first);
    assert_eq!(
        (decision.reason, decision.landing),
        (Reason::Created, Landing::Founding)
    );
    assert_eq!(decision.attached, [0, 1]);
    let again = directory.decide(&first);
    assert_eq!(
        (again.reason, again.landing),
        (Reason::Matched, Landing::On(place))
    );
    assert!(!again.changes());
}

#[test]
fn a_source_that_brings_something_new_adds_a_record_beside() {
    let mut directory = Directory::default();
    let (_, first) = settle(&mut directory, &ask("line", &[phone("1")]));
    let more = ask("mail", &[phone("1"), email("a")]);
    let (decision, second) = settle(&mut directory, &more);
    assert_eq!(decision.landing, Landing::Beside(first));
    assert_eq!(
        (decision.matched, decision.attached.as_slice()),
        (Some(0), [1].as_slice())
    );
    assert_eq!(second.customer, first.customer);
    assert_ne!(second.record, first.record);
    // The source gets its own record again, everyone else that of the strongest identifier.
    assert_eq!(directory.decide(&more).landing, Landing::On(second));
    assert_eq!(
        directory
            .decide(&ask("line", &[phone("1"), email("a")]))
            .landing,
        Landing::On(first)
    );
    assert_eq!(
        directory.decide(&ask("line", &[email("a")])).landing,
        Landing::On(second)
    );
}

#[test]
fn identifiers_of_several_customers_leave_one_suspicion_and_merge_nobody() {
    let mut directory = Directory::default();
    let (_, weak) = settle(&mut directory, &ask("web", &[email("a")]));
    let (_, strong) = settle(&mut directory, &ask("pbx", &[phone("1")]));
    let both = ask("mail", &[email("a"), phone("1")]);
    let (decision, place) = settle(&mut directory, &both);
    assert_eq!(decision.reason, Reason::StrongestOfSeveral);
    assert_eq!(place, strong);
    assert_eq!(decision.possible, [weak.customer]);
    assert_eq!(decision.suspicions, [1]);
    let again = directory.decide(&both);
    assert_eq!(again.possible, [weak.customer]);
    assert!(!again.changes());
}

#[test]
fn people_who_were_taken_apart_are_not_suspected_again() {
    let mut directory = Directory::default();
    let (_, weak) = settle(&mut directory, &ask("web", &[email("a")]));
    let (_, strong) = settle(&mut directory, &ask("pbx", &[phone("1")]));
    directory.apart.insert(pair(weak.customer, strong.customer));
    let decision = directory.decide(&ask("mail", &[email("a"), phone("1")]));
    assert_eq!(decision.reason, Reason::StrongestOfSeveral);
    assert!(decision.possible.is_empty() && !decision.changes());
}

#[test]
fn a_shared_device_does_not_make_two_people_one() {
    let mut directory = Directory::default();
    let (_, visitor) = settle(&mut directory, &ask("web", &[cookie("c")]));
    let (login, ana) = settle(&mut directory, &ask("web", &[cookie("c"), email("ana")]));
    assert_eq!(
        login.landing,
        Landing::Beside(visitor),
        "a visitor who logs in is known from then on"
    );
    let (other, ben) = settle(&mut directory, &ask("web", &[cookie("c"), email("ben")]));
    assert_eq!(other.reason, Reason::Created);
    assert_ne!(ben.customer, ana.customer);
    assert_eq!(other.possible, [ana.customer]);
    assert_eq!(other.attached, [0], "the device stays where it is");
    let again = directory.decide(&ask("web", &[cookie("c"), email("ben")]));
    assert_eq!(again.landing, Landing::On(ben));
    assert!(!again.changes());
}

#[test]
fn two_keys_of_one_system_are_two_people_even_on_one_address() {
    let mut directory = Directory::default();
    let (_, first) = settle(&mut directory, &ask("crm", &[crm("1"), email("family")]));
    let (decision, second) = settle(&mut directory, &ask("crm", &[crm("2"), email("family")]));
    assert_eq!(decision.reason, Reason::Created);
    assert_ne!(second.customer, first.customer);
    // A second number or address of a known person is simply theirs.
    let (decision, third) = settle(&mut directory, &ask("mail", &[phone("1"), email("family")]));
    assert_eq!(
        (decision.reason, third.customer),
        (Reason::Matched, first.customer)
    );
    let (_, fourth) = settle(&mut directory, &ask("mail", &[phone("2"), email("family")]));
    assert_eq!(fourth.customer, first.customer);
    let (_, fifth) = settle(&mut directory, &ask("mail", &[phone("1"), email("work")]));
    assert_eq!(fifth.customer, first.customer);
}

#[test]
fn hints_fill_gaps_once() {
    let mut directory = Directory::default();
    let name = Hinted {
        display_name: true,
        ..Hinted::default()
    };
    let plain = ask("line", &[phone("1")]);
    let named = Ask {
        offered: name,
        ..plain.clone()
    };
    settle(&mut directory, &plain);
    let (decision, _) = settle(&mut directory, &named);
    assert_eq!(decision.filled, name);
    assert!(!directory.decide(&named).changes());
}

fn any_key() -> impl Strategy<Value = Key> {
    (0_usize..4, 0_u8..4).prop_map(|(kind, value)| {
        let kind = Kind::ALL[kind];
        let namespace = if kind > Kind::Email || kind == Kind::External {
            "ns"
        } else {
            ""
        };
        key(kind, namespace, &value.to_string())
    })
}

fn any_asks() -> impl Strategy<Value = Vec<Ask>> {
    let keys = proptest::collection::btree_set(any_key(), 1..5);
    let one = (keys, 0_u8..3)
        .prop_map(|(keys, source)| ask(&source.to_string(), &keys.into_iter().collect::<Vec<_>>()));
    proptest::collection::vec(one, 1..30)
}

proptest! {
    #[test]
    fn an_identifier_never_changes_its_customer_and_repeating_changes_nothing(asks in any_asks()) {
        let mut directory = Directory::default();
        let mut owners: BTreeMap<Key, CustomerId> = BTreeMap::new();
        for ask in &asks {
            let (_, place) = settle(&mut directory, ask);
            let again = directory.decide(ask);
            prop_assert!(!again.changes());
            prop_assert_eq!(again.landing, Landing::On(place));
            for (key, known) in &directory.identifiers {
                let owner = *owners.entry(key.clone()).or_insert(known.place.customer);
                prop_assert_eq!(owner, known.place.customer);
            }
        }
    }

    #[test]
    fn after_a_request_each_of_its_identifiers_is_known(asks in any_asks()) {
        let mut directory = Directory::default();
        for ask in &asks {
            settle(&mut directory, ask);
            prop_assert!(ask.keys.iter().all(|key| directory.identifiers.contains_key(key)));
        }
    }
}
