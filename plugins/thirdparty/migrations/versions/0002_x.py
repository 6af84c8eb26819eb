"""x."""

import sqlalchemy as sa
from alembic import op

from core.data.migration_columns import text_v1

revision = "thirdparty_0002"
down_revision = "thirdparty_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.alter_column('thirdparty_thirdparty', 'name_key',
               existing_type=sa.VARCHAR(length=500),
               type_=text_v1(255),
               existing_nullable=True)
    op.alter_column('thirdparty_thirdparty', 'code_key',
               existing_type=sa.VARCHAR(length=500),
               type_=text_v1(255),
               existing_nullable=True)
    op.alter_column('thirdparty_thirdparty', 'email_key',
               existing_type=sa.VARCHAR(length=500),
               type_=text_v1(255),
               existing_nullable=True)
    op.alter_column('thirdparty_thirdparty', 'phone_key',
               existing_type=sa.VARCHAR(length=500),
               type_=text_v1(255),
               existing_nullable=True)
    op.alter_column('thirdparty_thirdparty', 'town_key',
               existing_type=sa.VARCHAR(length=500),
               type_=text_v1(255),
               existing_nullable=True)
