//! What whoever may open the database does at the machine, with no gateway between: it stands in the audit trail like a call.

use rapport_foundation::context::{Claims, Context, PrincipalKind};
use rapport_foundation::db::Database;
use rapport_foundation::error::Failure;
use rapport_foundation::id::TenantId;
use rapport_foundation::page::PageTokens;
use rapport_foundation::service::Task;
use rapport_foundation::time::Clock;
use rapport_foundation::touched::Touched;
use rapport_proto::access::v1::api_key_service_server::ApiKeyService;
use rapport_proto::access::v1::{
    CreateApiKeyRequest, CreateApiKeyResponse, GetApiKeyRequest, GetApiKeyResponse,
    ListApiKeysRequest, ListApiKeysResponse, RevokeApiKeyRequest, RevokeApiKeyResponse,
    RotateApiKeyRequest, RotateApiKeyResponse, UpdateApiKeyRequest, UpdateApiKeyResponse,
};
use rapport_proto::touched::Touches;
use tokio_util::sync::{CancellationToken, DropGuard};
use tonic::{Code, Request, Response, Status};

use crate::app::Access;
use crate::app::api_keys::ApiKeys;
use crate::audit::{Auditor, Running};
use crate::directory::Directory;
use crate::domain::identity::{CONSOLE, Identity};
use crate::grpc::ApiKeyApi;
use crate::policy::{Authority, Policies};
use crate::protection::Protections;
use crate::store::Store;
use crate::store::audit::Audit;
use crate::{Config, OpenError};

/// The keys of a gateway's database. The context of a call stands among its extensions, as a service finds it there.
pub struct Console {
    keys: ApiKeyApi,
    policies: Policies,
    auditor: Auditor,
    writer: Task,
    /// Held while anything may be done.
    drained: DropGuard,
}

/// A call by whoever may open the database: an operator, if anybody is.
pub fn asked<M>(message: M) -> Request<M> {
    let mut claims = Claims::new(TenantId::nil(), "rapport api-key", PrincipalKind::Operator);
    claims.roles = vec!["operator".into()];
    let mut request = Request::new(message);
    request.extensions_mut().insert(Context::from(claims));
    request
}

type Answer<M> = Result<Response<M>, Status>;

impl Console {
    /// Begins a chain of its own in the audit trail.
    ///
    /// # Errors
    /// When a contract lacks its policy, a setting cannot be used or the store fails.
    pub async fn open(
        db: Database,
        clock: Clock,
        page_tokens: PageTokens,
        config: &Config,
    ) -> Result<Self, OpenError> {
        let policies = Policies::read(rapport_proto::pool())?;
        let drained = CancellationToken::new();
        let trail = Audit::new(db.clone());
        let (auditor, writer) =
            Auditor::open(&config.audit, trail, clock.clone(), drained.clone()).await?;
        let access = Access {
            store: Store::new(db),
            directory: Directory::new(clock.clone()),
            clock,
            page_tokens,
            authority: Authority::of(&policies, Protections::default()),
            limits: config.access.clone(),
            longest: config.auth.longest(),
        };
        Ok(Console {
            keys: ApiKeyApi(ApiKeys(access)),
            policies,
            auditor,
            writer,
            drained: drained.drop_guard(),
        })
    }

    /// Returns once everything that was done stands in the trail.
    pub async fn close(self) {
        drop((self.drained, self.auditor));
        if let Err(error) = self.writer.handle.await {
            tracing::error!(%error, "the audit trail was not written to its end");
        }
    }

    /// Does it, and notes what it named and how it ended if its policy wants that.
    async fn noted<Q: Touches, A: Touches>(
        &self,
        method: &str,
        request: Request<Q>,
        call: impl AsyncFnOnce(Request<Q>) -> Answer<A>,
    ) -> Answer<A> {
        let mut running = self.begin(method, &request)?;
        let mut touched = Touched::default();
        request.get_ref().touches(&mut touched);
        let answer = call(request).await;
        let code = match &answer {
            Ok(answer) => {
                answer.get_ref().touches(&mut touched);
                Code::Ok
            }
            Err(status) => status.code(),
        };
        if let Some(running) = &mut running {
            running.end(code, Some(touched.header()));
        }
        answer
    }

    fn begin<Q>(&self, method: &str, request: &Request<Q>) -> Result<Option<Running>, Status> {
        let ctx = Context::of(request)?;
        let path = format!("/rapport.access.v1.ApiKeyService/{method}");
        let method = self.policies.find(&path, Protections::default());
        let noted = method.filter(|method| method.personal_data || method.audited);
        let begun = noted.map(|method| {
            let who = Identity::new(CONSOLE, ctx.principal.as_str());
            self.auditor.begin(&ctx, &who, method)
        });
        Ok(begun.transpose().map_err(Failure::from)?)
    }
}

#[tonic::async_trait]
impl ApiKeyService for Console {
    async fn create_api_key(
        &self,
        request: Request<CreateApiKeyRequest>,
    ) -> Answer<CreateApiKeyResponse> {
        let call = async |request| self.keys.create_api_key(request).await;
        self.noted("CreateApiKey", request, call).await
    }

    async fn get_api_key(&self, request: Request<GetApiKeyRequest>) -> Answer<GetApiKeyResponse> {
        let call = async |request| self.keys.get_api_key(request).await;
        self.noted("GetApiKey", request, call).await
    }

    async fn list_api_keys(
        &self,
        request: Request<ListApiKeysRequest>,
    ) -> Answer<ListApiKeysResponse> {
        let call = async |request| self.keys.list_api_keys(request).await;
        self.noted("ListApiKeys", request, call).await
    }

    async fn update_api_key(
        &self,
        request: Request<UpdateApiKeyRequest>,
    ) -> Answer<UpdateApiKeyResponse> {
        let call = async |request| self.keys.update_api_key(request).await;
        self.noted("UpdateApiKey", request, call).await
    }

    async fn rotate_api_key(
        &self,
        request: Request<RotateApiKeyRequest>,
    ) -> Answer<RotateApiKeyResponse> {
        let call = async |request| self.keys.rotate_api_key(request).await;
        self.noted("RotateApiKey", request, call).await
    }

    async fn revoke_api_key(
        &self,
        request: Request<RevokeApiKeyRequest>,
    ) -> Answer<RevokeApiKeyResponse> {
        let call = async |request| self.keys.revoke_api_key(request).await;
        self.noted("RevokeApiKey", request, call).await
    }
}
