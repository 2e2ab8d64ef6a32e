//! Which interactions are one matter: changes by hand, and the rules.

use std::sync::Arc;

use rapport_foundation::context::Context;
use rapport_foundation::idempotency::Key;
use rapport_proto::interactions::v1 as pb;
use tonic::{Request, Response, Status};

use super::{decode, encode};
use crate::app::App;

/// Changes of conversations.
pub(crate) struct Changes(pub(crate) Arc<App>);

/// The rules on which contacts are one matter.
pub(crate) struct Threading(pub(crate) Arc<App>);

const MERGE: &str = "rapport.interactions.v1.ConversationChangeService/MergeConversations";
const SPLIT: &str = "rapport.interactions.v1.ConversationChangeService/SplitConversation";
const UNDO: &str = "rapport.interactions.v1.ConversationChangeService/UndoConversationChange";
const SET_RULES: &str = "rapport.interactions.v1.ThreadingService/SetThreadingRules";

#[tonic::async_trait]
impl pb::conversation_change_service_server::ConversationChangeService for Changes {
    async fn merge_conversations(
        &self,
        request: Request<pb::MergeConversationsRequest>,
    ) -> Result<Response<pb::MergeConversationsResponse>, Status> {
        let ctx = Context::of(&request)?;
        let wanted = decode::merge(request.get_ref())?;
        let key = Key::new(&ctx, MERGE, wanted.request_id, request.get_ref());
        let (conversation, change) = self.0.merge_conversations(&ctx, &key, &wanted).await?;
        Ok(Response::new(pb::MergeConversationsResponse {
            conversation: Some(encode::conversation(conversation)),
            change: change.map(encode::matter_change),
        }))
    }

    async fn split_conversation(
        &self,
        request: Request<pb::SplitConversationRequest>,
    ) -> Result<Response<pb::SplitConversationResponse>, Status> {
        let ctx = Context::of(&request)?;
        let wanted = decode::split(request.get_ref())?;
        let key = Key::new(&ctx, SPLIT, wanted.request_id, request.get_ref());
        let (conversation, change) = self.0.split_conversation(&ctx, &key, &wanted).await?;
        Ok(Response::new(pb::SplitConversationResponse {
            conversation: Some(encode::conversation(conversation)),
            change: change.map(encode::matter_change),
        }))
    }

    async fn undo_conversation_change(
        &self,
        request: Request<pb::UndoConversationChangeRequest>,
    ) -> Result<Response<pb::UndoConversationChangeResponse>, Status> {
        let ctx = Context::of(&request)?;
        let wanted = decode::undo(request.get_ref())?;
        let key = Key::new(&ctx, UNDO, wanted.request_id, request.get_ref());
        let (conversation, change) = self.0.undo_conversation_change(&ctx, &key, &wanted).await?;
        Ok(Response::new(pb::UndoConversationChangeResponse {
            conversation: Some(encode::conversation(conversation)),
            change: change.map(encode::matter_change),
        }))
    }

    async fn list_conversation_changes(
        &self,
        request: Request<pb::ListConversationChangesRequest>,
    ) -> Result<Response<pb::ListConversationChangesResponse>, Status> {
        let ctx = Context::of(&request)?;
        let (id, page) = decode::list_changes(request.get_ref())?;
        let (found, next_page_token) = self.0.conversation_changes(&ctx, id, &page).await?;
        Ok(Response::new(pb::ListConversationChangesResponse {
            changes: found.into_iter().map(encode::matter_change).collect(),
            next_page_token,
        }))
    }
}

#[tonic::async_trait]
impl pb::threading_service_server::ThreadingService for Threading {
    async fn get_threading_rules(
        &self,
        request: Request<pb::GetThreadingRulesRequest>,
    ) -> Result<Response<pb::GetThreadingRulesResponse>, Status> {
        let ctx = Context::of(&request)?;
        let rules = encode::threading_rules(&self.0.threading_rules(&ctx).await?);
        Ok(Response::new(pb::GetThreadingRulesResponse {
            threading_rules: Some(rules),
        }))
    }

    async fn set_threading_rules(
        &self,
        request: Request<pb::SetThreadingRulesRequest>,
    ) -> Result<Response<pb::SetThreadingRulesResponse>, Status> {
        let ctx = Context::of(&request)?;
        let wanted = decode::set_threading(request.get_ref())?;
        let key = Key::new(&ctx, SET_RULES, wanted.request_id, request.get_ref());
        let rules = self.0.set_threading_rules(&ctx, &key, &wanted).await?;
        Ok(Response::new(pb::SetThreadingRulesResponse {
            threading_rules: Some(encode::threading_rules(&rules)),
        }))
    }
}
