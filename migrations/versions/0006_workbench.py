"""the trainers' work: labels, decisions, articles asked for, conversations that try a model out"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('label',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('message_id', sa.Integer(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('intent', sa.String(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_label_account_id_account')),
    sa.ForeignKeyConstraint(['message_id'], ['message.id'], name=op.f('fk_label_message_id_message')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_label')),
    sa.UniqueConstraint('message_id', 'account_id', name=op.f('uq_label_message_id_account_id'))
    )
    op.create_index(op.f('ix_label_message_id'), 'label', ['message_id'], unique=False)
    op.create_table('decision',
    sa.Column('message_id', sa.Integer(), nullable=False),
    sa.Column('intent', sa.String(), nullable=False),
    sa.Column('text', sa.String(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('batch', sa.String(), nullable=False),
    sa.Column('change_id', sa.Integer(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_decision_account_id_account')),
    sa.ForeignKeyConstraint(['message_id'], ['message.id'], name=op.f('fk_decision_message_id_message')),
    sa.PrimaryKeyConstraint('message_id', name=op.f('pk_decision'))
    )
    op.create_index(op.f('ix_decision_account_id'), 'decision', ['account_id'], unique=False)
    op.create_index(op.f('ix_decision_batch'), 'decision', ['batch'], unique=False)
    op.create_table('article_request',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('question', sa.String(), nullable=False),
    sa.Column('sentences', sa.JSON(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('done_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_article_request_account_id_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_article_request'))
    )
    op.create_table('trial_link',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('token_hash', sa.String(), nullable=False),
    sa.Column('trial', sa.String(), nullable=False),
    sa.Column('account_id', sa.Integer(), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('expires_at', sa.DateTime(timezone=True), nullable=False),
    sa.ForeignKeyConstraint(['account_id'], ['account.id'], name=op.f('fk_trial_link_account_id_account')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_trial_link')),
    sa.UniqueConstraint('token_hash', name=op.f('uq_trial_link_token_hash'))
    )
    op.add_column('conversation', sa.Column('trial', sa.String(), nullable=True))
    op.create_index(op.f('ix_conversation_trial'), 'conversation', ['trial'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_conversation_trial'), table_name='conversation')
    # Not in a batch: it would make this table anew on SQLite, and other tables point at it.
    op.drop_column('conversation', 'trial')
    for table in ('trial_link', 'article_request', 'decision', 'label'):
        op.drop_table(table)
