use pb::RoutingFilterVerdict as Verdict;
use pb::RoutingHindranceKind as Kind;

use super::*;

fn hindrances(told: &pb::RoutingExplanation, agent: &pb::Agent) -> Vec<Kind> {
    let theirs = told.candidates.iter().find(|one| one.agent_id == agent.id);
    let all = &theirs.unwrap().hindrances;
    all.iter().map(pb::RoutingHindrance::kind).collect()
}

fn rank(told: &pb::RoutingExplanation, agent: &pb::Agent) -> i32 {
    let theirs = told.candidates.iter().find(|one| one.agent_id == agent.id);
    theirs.unwrap().rank
}

pub(super) async fn skilled(
    bench: &Bench,
    name: &str,
    queue: &pb::Queue,
    skills: &[&str],
) -> pb::Agent {
    let agent = pb::Agent {
        principal: name.into(),
        display_name: name.into(),
        queue_ids: vec![queue.id.clone()],
        skills: skills.iter().map(|skill| (*skill).to_owned()).collect(),
        ..Default::default()
    };
    let request = pb::CreateAgentRequest {
        request_id: request_id(),
        agent: Some(agent),
    };
    let answer = bench.agents().create_agent(bench.boss(request)).await;
    answer.unwrap().into_inner().agent.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_explained_by_what_was_known_and_its_candidates_as_they_are() {
    everywhere(async |bench: Bench| {
        let care = bench.queue("care").await;
        let (ana, ben) = (
            skilled(&bench, "ana", &care, &["dutch"]).await,
            skilled(&bench, "ben", &care, &["dutch"]).await,
        );
        let (cleo, dan) = (
            skilled(&bench, "cleo", &care, &[]).await,
            skilled(&bench, "dan", &care, &["dutch"]).await,
        );
        let mut desks = Vec::new();
        for agent in [&ana, &ben, &cleo] {
            desks.push(bench.desk(agent).await);
            bench.set_status(agent, pb::AgentStatus::Available).await;
        }
        let dutch = pb::RoutingTarget {
            required_skills: vec!["dutch".into()],
            ..to(&care)
        };
        let filters = vec![
            filter("mail", "ticket.channel == 'email'", vec![to(&care)]),
            filter("odd", "10 / size(ticket.skills) > 1", vec![to(&care)]),
            filter("vip", "ticket.tags.exists(tag, tag == 'vip')", vec![dutch]),
            filter("rest", "true", vec![to(&care)]),
        ];
        let version = bench.route(filters).await;
        let ticket = bench.tagged("vip").await;
        let offered = bench.work_of(&ticket).await.remove(0);
        assert_eq!(offered.agent_id, ana.id, "she has waited longest");
        // What holds now is another version; what held then is told.
        bench
            .route(vec![filter("rest", "true", vec![to(&care)])])
            .await;
        let told = bench.explain_ticket(&ticket).await;
        assert_eq!(
            (
                told.choice(),
                &told.routing_policy_id,
                told.routing_policy_version
            ),
            (pb::RoutingChoice::Policy, &version.id, 1)
        );
        assert_eq!(
            (
                told.filter.as_str(),
                told.work_item_id.as_str(),
                &told.agent_id
            ),
            ("vip", offered.id.as_str(), &ana.id)
        );
        let verdicts: Vec<_> = told.filters.iter().map(|one| one.verdict()).collect();
        assert_eq!(
            verdicts,
            [
                Verdict::DoesNotFit,
                Verdict::Failed,
                Verdict::Fits,
                Verdict::NotTried
            ]
        );
        assert_eq!(told.filters[1].failure, "a division by zero");
        let traces = |place: usize| -> Vec<_> {
            let traces = told.filters[place].traces.iter();
            let traces = traces.filter(|one| one.expression != "ticket");
            traces
                .map(|one| (one.expression.as_str(), one.value.as_str()))
                .collect()
        };
        assert_eq!(
            traces(0),
            [
                ("ticket.channel", "\"phone\""),
                ("ticket.channel == \"email\"", "false")
            ]
        );
        assert_eq!(
            traces(2),
            [
                ("ticket.tags", "[\"vip\"]"),
                ("ticket.tags.exists(tag, tag == \"vip\")", "true")
            ]
        );
        assert_eq!(
            (&told.queue_id, &told.required_skills),
            (&care.id, &vec!["dutch".to_owned()])
        );
        assert_eq!(
            told.discipline(),
            pb::RoutingDiscipline::FewestInHandLongestIdle
        );
        assert_eq!(
            (rank(&told, &ana), hindrances(&told, &ana)),
            (0, vec![Kind::HasIt])
        );
        assert_eq!((rank(&told, &ben), hindrances(&told, &ben)), (1, vec![]));
        assert_eq!(hindrances(&told, &cleo), [Kind::MissingSkills]);
        assert_eq!(hindrances(&told, &dan), [Kind::Status, Kind::NotPresent]);

        // She says no; he is asked, as was told.
        let reject = pb::RejectOfferRequest {
            request_id: request_id(),
            offer_id: offered.offer_id,
            ..Default::default()
        };
        bench
            .offers()
            .reject_offer(bench.boss(reject))
            .await
            .unwrap();
        let told = bench.explain_ticket(&ticket).await;
        assert_eq!(told.agent_id, ben.id);
        assert_eq!(hindrances(&told, &ana), [Kind::Declined]);
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_ticket_could_have_is_held_against_any_version() {
    everywhere(async |bench: Bench| {
        let (care, sales) = (bench.queue("care").await, bench.queue("sales").await);
        let ana = skilled(&bench, "ana", &sales, &["dutch"]).await;
        let nothing = bench.explain(Default::default()).await;
        assert_eq!(
            (nothing.choice(), nothing.candidates.len()),
            (pb::RoutingChoice::Named, 0)
        );
        let live = |queue: &pb::Queue| vec![filter("live", "contact.live", vec![to(queue)])];
        let held = bench.route(live(&care)).await;
        let skipped = pb::RoutingTarget {
            skip_unstaffed: true,
            ..to(&care)
        };
        let leads = "ticket.purpose == 'lead' && ticket.priority >= HIGH && !customer.known";
        let draft = policy(vec![filter("leads", leads, vec![skipped, to(&sales)])]);
        let draft = bench.draft(draft).await.unwrap();
        let attributes = |version: &str| pb::ExplainRoutingRequest {
            routing_policy_id: version.into(),
            channel: types::Channel::Chat.into(),
            purpose: types::Purpose::Lead.into(),
            priority: types::Priority::Urgent.into(),
            required_skills: vec!["dutch".into()],
            live: true,
            ..Default::default()
        };
        let told = bench.explain(attributes("")).await;
        assert_eq!(
            (
                &told.routing_policy_id,
                told.filter.as_str(),
                &told.queue_id
            ),
            (&held.id, "live", &care.id)
        );
        let told = bench.explain(attributes(&draft.id)).await;
        assert_eq!(
            (
                &told.routing_policy_id,
                told.filter.as_str(),
                &told.queue_id
            ),
            (&draft.id, "leads", &sales.id)
        );
        assert!(told.targets[0].skipped);
        assert_eq!(hindrances(&told, &ana), [Kind::Status, Kind::NotPresent]);
        let _desk = bench.desk(&ana).await;
        bench.set_status(&ana, pb::AgentStatus::Available).await;
        let told = bench.explain(attributes(&draft.id)).await;
        assert_eq!((rank(&told, &ana), told.required_skills.len()), (1, 1));
        let other = pb::ExplainRoutingRequest {
            routing_policy_id: draft.id.clone(),
            ..Default::default()
        };
        let told = bench.explain(other).await;
        assert_eq!(
            (
                told.choice(),
                told.filter.as_str(),
                told.filters[0].verdict()
            ),
            (pb::RoutingChoice::Policy, "", Verdict::DoesNotFit)
        );
        // Asking opens nothing.
        assert_eq!(bench.list_tickets(Default::default()).await, []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn work_goes_by_what_it_belongs_to_and_how_bad_it_is_and_so_it_is_foretold() {
    everywhere(async |bench: Bench| {
        let (care, cards, crisis) = (
            bench.queue("care").await,
            bench.queue("cards").await,
            bench.queue("crisis").await,
        );
        let bad = "ticket.impact == 'high' && ticket.urgency != 'low'";
        let lost = "ticket.category == 'card' && ticket.subcategory.startsWith('lost')";
        let filters = vec![
            filter("bad", bad, vec![to(&crisis)]),
            filter("lost", lost, vec![to(&cards)]),
            filter("rest", "true", vec![to(&care)]),
        ];
        bench.route(filters).await;
        let (high, low) = (types::Impact::High, types::Impact::Low);
        let (soon, late) = (types::Urgency::Medium, types::Urgency::Low);
        for (category, subcategory, severity, expected) in [
            ("card", "lost-abroad", None, &cards),
            ("card", "lost-abroad", Some((high, soon)), &crisis),
            ("card", "limit", Some((high, late)), &care),
            ("", "", Some((low, soon)), &care),
            ("", "", None, &care),
        ] {
            let severity = severity.map(|(impact, urgency)| (impact.into(), urgency.into()));
            let (impact, urgency) = severity.unwrap_or_default();
            let ticket = pb::Ticket {
                category: category.into(),
                subcategory: subcategory.into(),
                impact,
                urgency,
                ..Default::default()
            };
            let opened = bench.open_ticket(ticket).await;
            assert_eq!(opened.queue_id, expected.id, "{category} {subcategory}");
            let foretold = pb::ExplainRoutingRequest {
                category: category.into(),
                subcategory: subcategory.into(),
                impact,
                urgency,
                ..Default::default()
            };
            let foretold = bench.explain(foretold).await;
            let told = bench.explain_ticket(&opened).await;
            assert_eq!(foretold.filter, told.filter, "{category} {subcategory}");
        }
    })
    .await;
}
