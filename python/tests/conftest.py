"""The services of the run that starts pytest, by the environment; test/flow/agents/python.flow.test.ts sets it."""

import os

import pytest
from sqlalchemy import create_engine, make_url


@pytest.fixture(scope="session")
def engine():
    url = make_url(os.environ["DATABASE_URL"]).set(drivername="postgresql+psycopg")
    made = create_engine(url)
    yield made
    made.dispose()
