"""x."""

import sqlalchemy as sa
from alembic import op

from core.data.migration_columns import text_v1

revision = "leads_0002"
down_revision = "leads_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column('leads_lead', 'name_key',
               existing_type=sa.VARCHAR(length=500),
               type_=text_v1(255),
               existing_nullable=True)
    op.alter_column('leads_lead', 'email_key',
               existing_type=sa.VARCHAR(length=500),
               type_=text_v1(255),
               existing_nullable=True)
