//! Calls that go straight to a service (S16), in one table: refused, and let in as soon as one demand is left out.
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::convert::Infallible;

use http::{HeaderValue, Request, Response};
use tonic::body::Body;
use tonic::service::Routes;
use tower::ServiceExt as _;

use super::*;
use crate::service::guard;
use crate::time::Clock;

const START: Micros = Micros(1_800_000_000_000_000);
const METHOD: &str = "/rapport.profiles.v1.CustomerService/GetCustomer";
const INTERNAL: &str = "/rapport.profiles.v1.LogService/WatchHeads";

struct House {
    keys: KeySet,
    clock: Clock,
}

impl House {
    fn staff() -> Context {
        let tenant = TenantId::new(START);
        Claims::new(tenant, "anna", PrincipalKind::Staff).into()
    }

    fn signed(&self, signer: Role, context: &Context, audience: Role) -> HeaderValue {
        let signer = self.keys.signer(signer, &self.clock).unwrap();
        signer.header_for(context, audience)
    }

    fn good(&self) -> HeaderValue {
        self.signed(Role::Gateway, &Self::staff(), Role::Profiles)
    }

    fn late(&self, seconds: i64) -> HeaderValue {
        let header = self.good();
        self.clock.set(Micros(START.0 + seconds * 1_000_000));
        header
    }

    /// The good one with a signature of another.
    fn forged(&self) -> HeaderValue {
        let (good, other) = (
            self.good(),
            self.signed(Role::Gateway, &Self::staff(), Role::Loyalty),
        );
        let (said, _) = good.to_str().unwrap().rsplit_once('.').unwrap();
        let (_, signature) = other.to_str().unwrap().rsplit_once('.').unwrap();
        format!("{said}.{signature}").parse().unwrap()
    }
}

type Row = (
    &'static str,
    Demand,
    &'static str,
    fn(&House) -> Vec<HeaderValue>,
);

const TABLE: [Row; 8] = [
    ("no context", Demand::Presence, METHOD, |_| vec![]),
    ("two contexts", Demand::Alone, METHOD, |house| {
        vec![house.good(), house.good()]
    }),
    ("a forged one", Demand::Signature, METHOD, |house| {
        vec![house.forged()]
    }),
    ("one for a neighbour", Demand::Audience, METHOD, |house| {
        vec![house.signed(Role::Gateway, &House::staff(), Role::Loyalty)]
    }),
    ("one from the future", Demand::Dates, METHOD, |house| {
        vec![house.late(-6)]
    }),
    ("an old one, replayed", Demand::Expiry, METHOD, |house| {
        vec![house.late(66)]
    }),
    (
        "a service that plays a person",
        Demand::Principal,
        METHOD,
        |house| vec![house.signed(Role::Routing, &House::staff(), Role::Profiles)],
    ),
    (
        "a person at an internal method",
        Demand::Service,
        INTERNAL,
        |house| vec![house.good()],
    ),
];

/// Whether the handler was reached, and the code of the answer.
async fn call(row: &Row, off: &[Demand]) -> (bool, tonic::Code) {
    let (_, _, path, headers) = row;
    let house = House {
        keys: KeySet::ephemeral().unwrap(),
        clock: Clock::manual(START),
    };
    let headers = headers(&house);
    let reached = tower::service_fn(|_: Request<_>| async {
        let mut response = tonic::Status::ok("").into_http::<Body>();
        response
            .headers_mut()
            .insert("x-reached", HeaderValue::from_static("yes"));
        Ok::<Response<Body>, Infallible>(response)
    });
    let router = Routes::default()
        .into_axum_router()
        .fallback_service(reached);
    let verifier = house.keys.verifier(Role::Profiles, &house.clock);
    let mut request = Request::post(*path).body(Body::empty()).unwrap();
    for header in headers {
        request.headers_mut().append(HEADER, header);
    }
    let guarded = guard(router.into(), verifier.without(off));
    let answer = guarded.oneshot(request).await.unwrap();
    let status = tonic::Status::from_header_map(answer.headers()).unwrap();
    (answer.headers().contains_key("x-reached"), status.code())
}

#[tokio::test]
async fn each_attack_is_refused_by_one_demand_and_succeeds_without_it() {
    for row in &TABLE {
        let (what, demand, ..) = *row;
        let code = match demand {
            Demand::Service => tonic::Code::Unimplemented,
            _ => tonic::Code::Unauthenticated,
        };
        assert_eq!(call(row, &[]).await, (false, code), "{what}");
        assert_eq!(
            call(row, &[demand]).await,
            (true, tonic::Code::Ok),
            "{what} without {demand:?}"
        );
        for other in Demand::ALL.into_iter().filter(|other| *other != demand) {
            assert_eq!(
                call(row, &[other]).await,
                (false, code),
                "{what} without {other:?}"
            );
        }
    }
}

#[test]
fn every_demand_stands_in_the_table() {
    for demand in Demand::ALL {
        assert!(TABLE.iter().any(|row| row.1 == demand), "{demand:?}");
    }
}
