"""the history of models that were put live"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('release',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('model', sa.String(), nullable=False),
    sa.Column('previous', sa.String(), nullable=True),
    sa.Column('who', sa.String(), nullable=False),
    sa.Column('why', sa.String(), nullable=False),
    sa.Column('figures', sa.JSON(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('outcome', sa.String(), nullable=True),
    sa.Column('is_served', sa.Boolean(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_release'))
    )
    op.create_index(op.f('ix_release_model'), 'release', ['model'], unique=False)


def downgrade() -> None:
    op.drop_table('release')
