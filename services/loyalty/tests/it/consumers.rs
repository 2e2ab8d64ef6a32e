//! What follows from the logs of interactions and profiles.

use rapport_foundation::events::{self, Outgoing, Relay};
use rapport_foundation::id::{CustomerId, InteractionId, RecordId};
use rapport_foundation::role::Role;
use rapport_foundation::testing::{Engine, TestEnv, engines, eventually, shared_tables};
use rapport_proto::events::v1 as ev;
use rapport_proto::events::v1::event::Data;
use rapport_proto::loyalty::v1 as pb;
use rapport_proto::types::v1 as types;
use tonic::service::Routes;

use crate::floor::{Floor, customer, purchase};

/// A service that has nothing but a log.
struct Source {
    t: TestEnv,
}

impl Source {
    async fn interactions(f: &Floor, engine: &Engine) -> Self {
        let t =
            f.t.house
                .env(engine, Role::Interactions, shared_tables)
                .await;
        t.attach(Routes::new(rapport_foundation::log_service!(
            interactions,
            &t.env
        )));
        Self::relayed(t)
    }

    async fn profiles(f: &Floor, engine: &Engine) -> Self {
        let t = f.t.house.env(engine, Role::Profiles, shared_tables).await;
        t.attach(Routes::new(rapport_foundation::log_service!(
            profiles, &t.env
        )));
        Self::relayed(t)
    }

    fn relayed(t: TestEnv) -> Self {
        Relay::spawn(t.db.clone(), t.role, t.shutdown.clone());
        Self { t }
    }

    async fn says(&self, f: &Floor, aggregate: &str, data: Vec<Data>) {
        let events: Vec<Outgoing> = data
            .into_iter()
            .map(|data| Outgoing::new(f.clock.now(), aggregate, data))
            .collect();
        let events = &events;
        let done: Result<(), rapport_foundation::db::Error> = self
            .t
            .db
            .write(f.tenant, |s| async move {
                events::append_many(&s, events).await
            })
            .await;
        done.unwrap();
    }
}

fn facts(order: types::Order) -> ev::InteractionFacts {
    ev::InteractionFacts {
        interaction_id: InteractionId::new(rapport_foundation::time::Clock::system().now())
            .to_string(),
        order: Some(order),
        ..ev::InteractionFacts::default()
    }
}

fn linked(facts: ev::InteractionFacts, customer: &types::CustomerRef) -> Data {
    Data::InteractionLinked(ev::InteractionLinked {
        interaction: Some(facts),
        customer: Some(customer.clone()),
        pending: false,
    })
}

async fn members(f: &Floor, customer_id: &str) -> Vec<pb::Member> {
    let request = pb::ListMembersRequest {
        customer_id: customer_id.to_owned(),
        ..pb::ListMembersRequest::default()
    };
    f.programs()
        .list_members(f.ask(request))
        .await
        .unwrap()
        .into_inner()
        .members
}

/// Everything in the service's own log, as another service reads it.
async fn log(f: &Floor) -> Vec<ev::Event> {
    let log = events::Log::new(f.t.db.clone());
    log.read(f.tenant, events::Position::default(), 1_000)
        .await
        .unwrap()
        .0
}

/// What an hour of interactions looks like: an order, history, an order whose customer is found later, the
/// first order again, and the first order with other content.
fn hour(
    first: ev::InteractionFacts,
    who: &types::CustomerRef,
    nobody: &types::CustomerRef,
) -> Vec<Data> {
    let history = ev::InteractionFacts {
        history: true,
        ..facts(purchase("H-1", 9_900))
    };
    let pending = ev::InteractionLinked {
        interaction: Some(facts(purchase("P-1", 7_000))),
        customer: None,
        pending: true,
    };
    let late = ev::CustomerLinked {
        interaction: pending.interaction.clone(),
        customer: Some(who.clone()),
    };
    vec![
        linked(first, who),
        linked(history, nobody),
        Data::InteractionLinked(pending),
        linked(facts(purchase("A-1", 5_000)), who),
        linked(facts(purchase("A-1", 6_000)), who),
        Data::CustomerLinked(late),
    ]
}

async fn earned(f: &Floor, wanted: usize) -> Vec<ev::PointsEarned> {
    eventually("the log has it", async || {
        let earned = log(f)
            .await
            .into_iter()
            .filter_map(|event| match event.data {
                Some(Data::PointsEarned(earned)) => Some(earned),
                _ => None,
            });
        Some(earned.collect::<Vec<_>>()).filter(|earned| earned.len() == wanted)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_in_the_log_earns_once_and_makes_a_member() {
    for engine in engines() {
        let f = Floor::open(&engine).await;
        let open = f.program(|program| program.auto_enrol = true).await;
        f.program(|_| {}).await;
        f.program(|program| {
            program.auto_enrol = true;
            program.earn_rule.as_mut().unwrap().currency_code = "USD".into();
        })
        .await;
        let source = Source::interactions(&f, &engine).await;
        let (who, nobody) = (customer(), customer());
        let order = facts(purchase("A-1", 5_000));
        let interaction = order.interaction_id.clone();
        source.says(&f, "int_1", hour(order, &who, &nobody)).await;

        let member = eventually("both orders have earned", async || {
            let found = members(&f, &who.customer_id).await.pop()?;
            (f.balance(&found.id).await == [120, 0, 0, 0]).then_some(found)
        })
        .await;
        assert_eq!(
            members(&f, &who.customer_id).await,
            std::slice::from_ref(&member)
        );
        assert_eq!(
            (&member.program_id, member.customer),
            (&open.id, Some(who.clone()))
        );
        assert!(
            members(&f, &nobody.customer_id).await.is_empty(),
            "history enrols nobody"
        );
        assert_eq!(f.entries(&member.id).await.len(), 2);
        let first = earned(&f, 2).await.remove(0);
        assert_eq!(
            (first.interaction_id, first.order_id.as_str()),
            (interaction, "A-1")
        );
        assert_eq!(first.entry.unwrap().customer, Some(who));
        f.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_merge_moves_the_map_and_both_accounts_stay_until_it_is_taken_back() {
    for engine in engines() {
        let f = Floor::open(&engine).await;
        let program = f.program(|_| {}).await;
        let other = f.program(|_| {}).await;
        let (kept, merged) = (customer(), customer());
        let one = f.enrol(&program, kept.clone()).await.unwrap();
        let two = f.enrol(&program, merged.clone()).await.unwrap();
        f.enrol(&other, merged.clone()).await.unwrap();
        let profiles = Source::profiles(&f, &engine).await;
        let moved = |customer_id: &str| ev::RecordMove {
            record_id: merged.record_id.clone(),
            customer_id: customer_id.to_owned(),
        };
        let merge = Data::CustomersMerged(ev::CustomersMerged {
            customer_id: kept.customer_id.clone(),
            merged_customer_id: merged.customer_id.clone(),
            moves: vec![moved(&kept.customer_id)],
        });
        profiles.says(&f, &kept.customer_id, vec![merge]).await;
        let all = eventually("the members are one customer's", async || {
            Some(members(&f, &kept.customer_id).await).filter(|members| members.len() == 3)
        })
        .await;
        assert!(
            all.iter().all(|member| {
                member.customer.as_ref().unwrap().customer_id == kept.customer_id
            })
        );
        assert!(members(&f, &merged.customer_id).await.is_empty());
        // Who is a member by a merge is one.
        let again = f.enrol(&other, kept.clone()).await;
        assert_eq!(again.unwrap_err().code(), tonic::Code::AlreadyExists);

        // What comes in by a record goes to that record's own account.
        let source = Source::interactions(&f, &engine).await;
        let by_two = types::CustomerRef {
            customer_id: kept.customer_id.clone(),
            record_id: merged.record_id.clone(),
        };
        source
            .says(
                &f,
                "int_2",
                vec![linked(facts(purchase("B-1", 1_000)), &by_two)],
            )
            .await;
        eventually("the second account has earned", async || {
            (f.balance(&two.id).await == [10, 0, 0, 0]).then_some(())
        })
        .await;
        assert_eq!(f.balance(&one.id).await, [0, 0, 0, 0]);

        let back = Data::CustomersUnmerged(ev::CustomersUnmerged {
            customer_id: kept.customer_id.clone(),
            restored_customer_id: merged.customer_id.clone(),
            moves: vec![moved(&merged.customer_id)],
        });
        profiles.says(&f, &kept.customer_id, vec![back]).await;
        eventually("the members are apart again", async || {
            let (a, b) = (
                members(&f, &kept.customer_id).await.len(),
                members(&f, &merged.customer_id).await.len(),
            );
            ((a, b) == (1, 2)).then_some(())
        })
        .await;
        f.check().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_whose_earlier_member_went_with_its_record_can_be_enrolled_again() {
    for engine in engines() {
        let f = Floor::open(&engine).await;
        let program = f.program(|_| {}).await;
        let who = customer();
        f.enrol(&program, who.clone()).await.unwrap();
        let profiles = Source::profiles(&f, &engine).await;
        let now = rapport_foundation::time::Clock::system().now();
        let away = CustomerId::new(now).to_string();
        let unmerge = Data::CustomersUnmerged(ev::CustomersUnmerged {
            customer_id: who.customer_id.clone(),
            restored_customer_id: away.clone(),
            moves: vec![ev::RecordMove {
                record_id: who.record_id.clone(),
                customer_id: away.clone(),
            }],
        });
        profiles.says(&f, &who.customer_id, vec![unmerge]).await;
        eventually("the record has gone", async || {
            members(&f, &away).await.pop()
        })
        .await;
        let record_id = RecordId::new(now).to_string();
        f.enrol(&program, types::CustomerRef { record_id, ..who })
            .await
            .unwrap();
        f.check().await;
    }
}
