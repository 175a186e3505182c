"""API of the brand itself: its credentials, its people, and what they did."""

from django.urls import path

from tieback.api import audit_entries, credentials, invitations, members

urlpatterns = [
    path("api-credentials/", credentials.CredentialListView.as_view(), name="credential-list"),
    path(
        "api-credentials/<slug:credential_id>/",
        credentials.CredentialView.as_view(),
        name="credential",
    ),
    path(
        "api-credentials/<slug:credential_id>/rotate/",
        credentials.CredentialRotateView.as_view(),
        name="credential-rotate",
    ),
    path(
        "api-credentials/<slug:credential_id>/revoke/",
        credentials.CredentialRevokeView.as_view(),
        name="credential-revoke",
    ),
    path("members/", members.MemberListView.as_view(), name="member-list"),
    path("members/<uuid:member_id>/", members.MemberView.as_view(), name="member"),
    path("invitations/", invitations.InvitationListView.as_view(), name="invitation-list"),
    path(
        "invitations/accept/", invitations.InvitationAcceptView.as_view(), name="invitation-accept"
    ),
    path(
        "invitations/<uuid:invitation_id>/resend/",
        invitations.InvitationResendView.as_view(),
        name="invitation-resend",
    ),
    path(
        "invitations/<uuid:invitation_id>/revoke/",
        invitations.InvitationRevokeView.as_view(),
        name="invitation-revoke",
    ),
    path("audit-entries/", audit_entries.AuditEntryListView.as_view(), name="audit-entry-list"),
]
