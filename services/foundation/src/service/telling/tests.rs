#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use http::HeaderMap;
use rapport_proto::access::v1::audit_service_server::{AuditService, AuditServiceServer};
use rapport_proto::access::v1::{
    AuditEntry, ExportAuditEntriesRequest, ExportAuditEntriesResponse, ListAuditEntriesRequest,
    ListAuditEntriesResponse,
};
use tonic::service::Routes;
use tonic::{Request, Response, Status};

use crate::channel::Channel;
use crate::context::{Claims, KeySet, PrincipalKind};
use crate::deadline;
use crate::error::Failure;
use crate::id::{AnyId, CustomerId, TenantId};
use crate::role::Role;
use crate::service::{Guarded, ListenConfig, Readiness, guard, serve};
use crate::time::{Clock, Micros};
use crate::touched::{MOST_IDS, TRAILER, Touched};

/// A service whose messages name resources, of methods whose policy wants them told.
struct Api;

fn entry(ids: Vec<String>) -> AuditEntry {
    AuditEntry {
        principal: "Ada Lovelace".into(),
        request_id: CustomerId::new(Micros(1)).to_string(),
        resource_ids: ids,
        ..AuditEntry::default()
    }
}

fn fresh(count: usize) -> Vec<String> {
    (0..count)
        .map(|_| CustomerId::new(Micros(1)).to_string())
        .collect()
}

#[tonic::async_trait]
impl AuditService for Api {
    async fn list_audit_entries(
        &self,
        request: Request<ListAuditEntriesRequest>,
    ) -> Result<Response<ListAuditEntriesResponse>, Status> {
        let asked = request.into_inner();
        match asked.principal.as_str() {
            "fail" => return Err(Failure::not_found("resource", &asked.resource_id).into()),
            "hang" => std::future::pending().await,
            "panic" => panic!("asked to"),
            _ => (),
        }
        let names = vec![asked.resource_id.clone(), "Ada Lovelace".into()];
        Ok(Response::new(ListAuditEntriesResponse {
            entries: vec![entry(names), entry(fresh(2))],
            next_page_token: String::new(),
        }))
    }

    type ExportAuditEntriesStream = BoxStream<'static, Result<ExportAuditEntriesResponse, Status>>;

    async fn export_audit_entries(
        &self,
        request: Request<ExportAuditEntriesRequest>,
    ) -> Result<Response<Self::ExportAuditEntriesStream>, Status> {
        let messages = 100;
        let each = request.into_inner().cursor.parse().unwrap_or(2);
        let answer = move |_| {
            Ok(ExportAuditEntriesResponse {
                entry: Some(entry(fresh(each))),
                cursor: String::new(),
            })
        };
        Ok(Response::new(stream::iter(0..messages).map(answer).boxed()))
    }
}

struct House {
    keys: KeySet,
    clock: Clock,
    way: Guarded,
}

impl House {
    fn open() -> Self {
        let (keys, clock) = (KeySet::ephemeral().unwrap(), Clock::system());
        let routes = Routes::new(AuditServiceServer::new(Api));
        let way = guard(routes, keys.verifier(Role::Gateway, &clock));
        Self { keys, clock, way }
    }

    /// Calls a method as the gateway does; answers all headers and trailers.
    async fn ask<M: prost::Message>(&self, method: &str, message: &M) -> HeaderMap {
        let signer = self.keys.signer(Role::Gateway, &self.clock).unwrap();
        let tenant = TenantId::new(self.clock.now());
        let context = Claims::new(tenant, "anna", PrincipalKind::Staff).into();
        let payload = message.encode_to_vec();
        let mut bytes = vec![0];
        bytes.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
        bytes.extend(payload);
        let path = format!("/rapport.access.v1.AuditService/{method}");
        let body = http_body_util::Full::new(bytes::Bytes::from(bytes));
        let request = http::Request::post(path)
            .header("content-type", "application/grpc")
            .header(deadline::HEADER, "300")
            .header(
                crate::context::HEADER,
                signer.header_for(&context, Role::Gateway),
            )
            .body(tonic::body::Body::new(body))
            .unwrap();
        let (parts, body) = tower::ServiceExt::oneshot(self.way.clone(), request)
            .await
            .unwrap()
            .into_parts();
        let mut all = parts.headers;
        let body = http_body_util::BodyExt::collect(body).await.unwrap();
        all.extend(body.trailers().cloned().unwrap_or_default());
        all
    }

    async fn touched<M: prost::Message>(&self, method: &str, message: &M) -> (String, Touched) {
        let headers = self.ask(method, message).await;
        let status = headers["grpc-status"].to_str().unwrap().to_owned();
        (status, Touched::read(&headers[TRAILER]).unwrap())
    }
}

fn question(principal: &str) -> (AnyId, ListAuditEntriesRequest) {
    let id = CustomerId::new(Micros(1)).to_string();
    let asked = ListAuditEntriesRequest {
        principal: principal.into(),
        resource_id: id.clone(),
        ..ListAuditEntriesRequest::default()
    };
    (AnyId::parse(&id).unwrap(), asked)
}

#[tokio::test]
async fn what_was_asked_for_and_what_was_answered_is_told_once_each() {
    let house = House::open();
    let (asked, message) = question("");
    let (status, touched) = house.touched("ListAuditEntries", &message).await;
    assert_eq!((status.as_str(), touched.count()), ("0", 3));
    assert_eq!(touched.ids()[0], asked);
    assert_eq!(touched.ids().len(), 3, "a name is no id");
}

#[tokio::test]
async fn a_call_that_fails_anywhere_tells_what_it_was_asked_for() {
    let house = House::open();
    for (how, code) in [("fail", "5"), ("hang", "4"), ("panic", "13")] {
        let (asked, message) = question(how);
        let (status, touched) = house.touched("ListAuditEntries", &message).await;
        assert_eq!(status, code, "{how}");
        assert_eq!(touched.ids(), [asked], "{how}");
    }
}

#[tokio::test]
async fn a_stream_tells_at_its_end_and_no_more_than_fits() {
    let house = House::open();
    let message = ExportAuditEntriesRequest {
        cursor: "20".into(),
        ..ExportAuditEntriesRequest::default()
    };
    let (status, touched) = house.touched("ExportAuditEntries", &message).await;
    assert_eq!((status.as_str(), touched.count()), ("0", 2000));
    assert!(touched.is_truncated());
    assert_eq!(touched.ids().len(), MOST_IDS);
}

/// The longest trailer there is, beside the status, through HTTP/2's limits on headers.
#[tokio::test]
async fn a_full_trailer_passes_the_network() {
    let mut house = House::open();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let stop = tokio_util::sync::CancellationToken::new();
    let (served, stopped) = (house.way.clone(), stop.clone());
    let server = tokio::spawn(async move {
        let readiness = Readiness::starting().await;
        serve(
            listener,
            &ListenConfig::default(),
            served,
            &readiness,
            stopped,
        )
        .await
    });
    let channel = Channel::connect(&url, None).unwrap();
    house.way = Guarded::new(tower::service_fn(move |request| {
        let call = channel.once(request);
        async move { Ok(call.await.unwrap()) }
    }));
    let message = ExportAuditEntriesRequest {
        cursor: "20".into(),
        ..ExportAuditEntriesRequest::default()
    };
    let (status, touched) = house.touched("ExportAuditEntries", &message).await;
    assert_eq!((status.as_str(), touched.ids().len()), ("0", MOST_IDS));
    drop(house);
    stop.cancel();
    server.await.unwrap().unwrap();
}

#[tokio::test]
async fn calls_at_the_same_time_do_not_mix_what_they_touch() {
    let house = House::open();
    let calls = (0..64).map(|_| async {
        let (asked, message) = question("");
        let (_, touched) = house.touched("ListAuditEntries", &message).await;
        (asked, touched)
    });
    let mut all = std::collections::HashSet::new();
    for (asked, touched) in futures::future::join_all(calls).await {
        assert_eq!(touched.ids()[0], asked);
        assert_eq!(touched.count(), 3);
        assert!(touched.ids().iter().all(|id| all.insert(*id)));
    }
}
