use super::*;
use crate::restart::stop;

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_looked_at_published_obeyed_and_gone_back_to() {
    everywhere(async |bench: Bench| {
        let (care, sales) = (bench.queue("care").await, bench.queue("sales").await);
        bench.hire("ana", &care).await;
        let vip =
            |expression: &str, queue: &pb::Queue| vec![filter("vip", expression, vec![to(queue)])];
        let before = bench.tagged("vip").await;
        assert!(
            ![&care.id, &sales.id].contains(&&before.queue_id),
            "the default queue"
        );

        let faulty = policy(vip("'vip' in ticket.labels", &sales));
        let draft = bench.draft(faulty).await.unwrap();
        assert_eq!(
            (draft.version, draft.state()),
            (1, pb::RoutingPolicyState::Draft)
        );
        let said = bench.lint(&draft).await;
        assert!(!said.publishable);
        let told: Vec<_> = said
            .findings
            .iter()
            .map(|one| (one.severity(), one.field.as_str(), one.reason.as_str()))
            .collect();
        use pb::RoutingFindingSeverity::{Error, Warning};
        assert_eq!(
            told,
            [
                (Error, "filters[0].expression", "UNKNOWN_NAME"),
                (Warning, "filters[0].targets[0].queue_id", "NO_AGENTS")
            ]
        );
        let refused = bench.publish(&draft).await.unwrap_err();
        assert_eq!(
            (refused.code(), reason(&refused).as_str()),
            (Code::FailedPrecondition, "ROUTING_POLICY_FAULTY")
        );
        assert_eq!(violations(&refused), ["filters[0].expression UNKNOWN_NAME"]);

        let right = policy(vip("'vip' in ticket.tags", &sales));
        let draft = bench.redraft(&draft, right).await.unwrap();
        assert!(
            bench.lint(&draft).await.publishable,
            "a warning does not stop it"
        );
        assert_ne!(
            bench.tagged("vip").await.queue_id,
            sales.id,
            "a draft holds for nothing"
        );
        let first = bench.publish(&draft).await.unwrap();
        assert_eq!(first.state(), pb::RoutingPolicyState::Published);
        assert_eq!(bench.tagged("vip").await.queue_id, sales.id);
        assert_eq!(bench.tagged("other").await.queue_id, before.queue_id);

        let second = bench.route(vip("'vip' in ticket.tags", &care)).await;
        assert_eq!(second.version, 2);
        assert_eq!(bench.tagged("vip").await.queue_id, care.id);
        let back = bench.roll_back(&first).await.unwrap();
        assert_eq!(
            (back.version, back.state()),
            (1, pb::RoutingPolicyState::Published)
        );
        assert_eq!(bench.tagged("vip").await.queue_id, sales.id);

        // Whoever decides for the tenant next knows it, too.
        let bench = stop(bench).await.another().await;
        assert_eq!(bench.tagged("vip").await.queue_id, sales.id);
        let published = pb::ListRoutingPoliciesRequest {
            state: pb::RoutingPolicyState::Published.into(),
            ..Default::default()
        };
        let page = bench
            .routing()
            .list_routing_policies(bench.boss(published))
            .await;
        let ids: Vec<_> = page.unwrap().into_inner().routing_policies;
        assert_eq!(
            ids.iter().map(|one| &one.id).collect::<Vec<_>>(),
            [&first.id]
        );
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_held_never_changes_and_every_call_can_be_repeated() {
    everywhere(async |bench: Bench| {
        let care = bench.queue("care").await;
        let filters = vec![filter("live", "contact.live", vec![to(&care)])];
        let request = pb::CreateRoutingDraftRequest {
            request_id: request_id(),
            routing_policy: Some(policy(filters.clone())),
        };
        let mut drafts = Vec::new();
        for _ in 0..2 {
            let answer = bench
                .routing()
                .create_routing_draft(bench.boss(request.clone()))
                .await;
            drafts.push(answer.unwrap().into_inner().routing_policy.unwrap());
        }
        assert_eq!(drafts[0], drafts[1]);
        assert_eq!(drafts[0].filters, filters);
        let publish = pb::PublishRoutingPolicyRequest {
            request_id: request_id(),
            routing_policy_id: drafts[0].id.clone(),
            etag: drafts[0].etag.clone(),
        };
        for _ in 0..2 {
            let published = bench
                .routing()
                .publish_routing_policy(bench.boss(publish.clone()))
                .await;
            let published = published.unwrap().into_inner().routing_policy.unwrap();
            assert_eq!(published.state(), pb::RoutingPolicyState::Published);
        }
        let held = bench.redraft(&drafts[0], policy(Vec::new())).await;
        assert_eq!(reason(&held.unwrap_err()), "ETAG_MISMATCH");
        let unconditional = pb::RoutingPolicy {
            etag: String::new(),
            ..drafts[0].clone()
        };
        let held = bench.redraft(&unconditional, policy(Vec::new())).await;
        assert_eq!(reason(&held.unwrap_err()), "ROUTING_POLICY_NOT_DRAFT");
        let again = bench.publish(&drafts[0]).await.unwrap_err();
        assert_eq!(reason(&again), "ROUTING_POLICY_NOT_DRAFT");
        let back = bench.roll_back(&drafts[0]).await.unwrap_err();
        assert_eq!(reason(&back), "ROUTING_POLICY_NOT_RETIRED");
        bench.verified().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_told_to_their_tenant_alone() {
    everywhere(async |bench: Bench| {
        let care = bench.queue("care").await;
        let ours = bench
            .route(vec![filter("live", "contact.live", vec![to(&care)])])
            .await;
        let mut client = bench.routing();
        let id = || ours.id.clone();
        let read = pb::GetRoutingPolicyRequest {
            routing_policy_id: id(),
        };
        let read = client.get_routing_policy(bench.stranger(read)).await;
        let lint = pb::LintRoutingPolicyRequest {
            routing_policy_id: id(),
        };
        let lint = client.lint_routing_policy(bench.stranger(lint)).await;
        let publish = pb::PublishRoutingPolicyRequest {
            request_id: request_id(),
            routing_policy_id: id(),
            ..Default::default()
        };
        let publish = client.publish_routing_policy(bench.stranger(publish)).await;
        let back = pb::RollBackRoutingPolicyRequest {
            request_id: request_id(),
            routing_policy_id: id(),
            ..Default::default()
        };
        let back = client.roll_back_routing_policy(bench.stranger(back)).await;
        let change = pb::UpdateRoutingDraftRequest {
            request_id: request_id(),
            routing_policy_id: id(),
            routing_policy: Some(policy(Vec::new())),
            ..Default::default()
        };
        let change = client.update_routing_draft(bench.stranger(change)).await;
        let tried = pb::ExplainRoutingRequest {
            routing_policy_id: id(),
            ..Default::default()
        };
        let tried = client.explain_routing(bench.stranger(tried)).await;
        let ticket = bench.tagged("vip").await;
        let explain = pb::ExplainRoutingRequest {
            ticket_id: ticket.id,
            ..Default::default()
        };
        let explain = client.explain_routing(bench.stranger(explain)).await;
        let codes = [
            read.unwrap_err().code(),
            lint.unwrap_err().code(),
            publish.unwrap_err().code(),
            back.unwrap_err().code(),
            change.unwrap_err().code(),
            tried.unwrap_err().code(),
            explain.unwrap_err().code(),
        ];
        assert_eq!(codes, [Code::NotFound; 7]);
        let list = pb::ListRoutingPoliciesRequest::default();
        let list = client.list_routing_policies(bench.stranger(list)).await;
        assert_eq!(list.unwrap().into_inner().routing_policies, []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_much_or_malformed_is_refused_with_all_that_is_wrong() {
    everywhere(async |bench: Bench| {
        let care = bench.queue("care").await;
        let odd = pb::RoutingTarget {
            queue_id: "care".into(),
            required_skills: vec!["UPPER".into()],
            raise_priority_to: 9,
            timeout_s: 604_801,
            ..Default::default()
        };
        let wrong = pb::RoutingPolicy {
            id: "rtp_x".into(),
            version: 3,
            filters: vec![
                filter("a", &"x".repeat(2_001), vec![to(&care); 9]),
                filter("a", "", vec![odd]),
                filter("", "true", vec![]),
            ],
            ..policy(Vec::new())
        };
        let refused = bench.draft(wrong).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
        assert_eq!(
            violations(&refused),
            [
                "routing_policy.id SET_BY_SERVICE",
                "routing_policy.version SET_BY_SERVICE",
                "routing_policy.filters[0].expression TOO_LONG",
                "routing_policy.filters[0].targets TOO_MANY",
                "routing_policy.filters[1].expression REQUIRED",
                "routing_policy.filters[1].targets[0].timeout_s OUT_OF_RANGE",
                "routing_policy.filters[1].targets[0].queue_id MALFORMED_ID",
                "routing_policy.filters[1].targets[0].required_skills[0] MALFORMED_CODE",
                "routing_policy.filters[1].targets[0].raise_priority_to UNKNOWN_VALUE",
                "routing_policy.filters[1].code DUPLICATE",
                "routing_policy.filters[2].code REQUIRED",
            ]
        );
        let many = (0..101).map(|n| filter(&format!("f{n}"), "true", vec![]));
        let refused = bench.draft(policy(many.collect())).await.unwrap_err();
        assert_eq!(violations(&refused), ["routing_policy.filters TOO_MANY"]);
        let long = |n| filter(&format!("f{n}"), &"1".repeat(2_000), vec![]);
        let large = policy((0..33).map(long).collect());
        let refused = bench.draft(large).await.unwrap_err();
        assert_eq!(violations(&refused), ["routing_policy TOO_LARGE"]);
        let both = pb::ExplainRoutingRequest {
            ticket_id: bench.tagged("vip").await.id,
            live: true,
            ..Default::default()
        };
        let refused = bench.routing().explain_routing(bench.boss(both)).await;
        assert_eq!(violations(&refused.unwrap_err()), ["ticket_id NOT_ALONE"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_conditions_hurt_nobody() {
    everywhere(async |bench: Bench| {
        let (care, sales) = (bench.queue("care").await, bench.queue("sales").await);
        let deep = format!("{}true{}", "(".repeat(900), ")".repeat(900));
        let draft = bench
            .draft(policy(vec![filter("deep", &deep, vec![to(&care)])]))
            .await
            .unwrap();
        let refused = bench.publish(&draft).await.unwrap_err();
        assert_eq!(violations(&refused), ["filters[0].expression TOO_DEEP"]);
        // What takes too long does not fit, and what comes after it is tried.
        let hundred = vec!["1"; 100].join(",");
        let slow = format!(
            "[{hundred}].all(a, [{hundred}].all(b, [{hundred}].all(c, a > 0 && b > 0 && c > 0)))"
        );
        let filters = vec![
            filter("slow", &slow, vec![to(&care)]),
            filter("rest", "ticket.by_hand", vec![to(&sales)]),
        ];
        bench.route(filters).await;
        let ticket = bench.tagged("vip").await;
        assert_eq!(ticket.queue_id, sales.id);
        let told = bench.explain_ticket(&ticket).await;
        assert_eq!(told.filters[0].verdict(), pb::RoutingFilterVerdict::Failed);
        assert_eq!(told.filters[0].failure, "it takes too many steps");
    })
    .await;
}
