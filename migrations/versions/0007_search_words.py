"""search: the words of each message are kept, on PostgreSQL"""

from __future__ import annotations

from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A frequent word is looked for in the newest messages one by one; without this column their
    # words were worked out anew each time, which took up to some seconds.
    if op.get_bind().dialect.name == 'postgresql':
        op.execute(
            "ALTER TABLE message ADD COLUMN words tsvector "
            "GENERATED ALWAYS AS (to_tsvector('english', text)) STORED"
        )
        op.execute('DROP INDEX ix_message_search')
        op.execute('CREATE INDEX ix_message_search ON message USING gin (words)')


def downgrade() -> None:
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('ALTER TABLE message DROP COLUMN words')
        op.execute(
            "CREATE INDEX ix_message_search ON message USING gin (to_tsvector('english', text))"
        )
