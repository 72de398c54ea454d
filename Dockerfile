# The stack on ROS 2 Jazzy:
#   docker build -t dex1b .
#   docker build -t dex1b --build-arg RUN_TESTS=true .      the tests run at build
#   docker run --rm --net=host dex1b                        simulated robot
FROM ros:jazzy-ros-base

ARG RUN_TESTS=false
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

# Versions of Ubuntu's and ROS's packages follow the base image; pin them by pinning its digest.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        libegl1 libgl1 libgomp1 libidn2-0 libudev1 libusb-1.0-0 libx11-6 python3-venv \
        ros-jazzy-control-msgs ros-jazzy-diagnostic-msgs ros-jazzy-tf2-msgs ros-jazzy-tf2-ros-py \
    && rm -rf /var/lib/apt/lists/*

# Python packages newer than Ubuntu's live in an environment that also sees those of ROS. colcon
# runs with its interpreter, so that the nodes do too.
WORKDIR /workspace
COPY requirements/ requirements/
# set to an index of CPU builds of torch for a small image without GPU support
ARG TORCH_INDEX_URL=""
RUN python3 -m venv --system-site-packages /opt/dex1b \
    && /opt/dex1b/bin/pip install ${TORCH_INDEX_URL:+--extra-index-url "$TORCH_INDEX_URL"} \
        -c requirements/lock.txt -r requirements/library.in -r requirements/development.in
ENV PATH=/opt/dex1b/bin:$PATH

COPY dex1b_msgs/ dex1b_msgs/
RUN . /opt/ros/jazzy/setup.bash \
    && /opt/dex1b/bin/python /usr/bin/colcon build --packages-select dex1b_msgs

COPY . .
RUN . /opt/ros/jazzy/setup.bash \
    && /opt/dex1b/bin/python /usr/bin/colcon build --packages-skip dex1b_msgs \
    && . install/setup.bash \
    && dex1b assets fetch

RUN if [ "$RUN_TESTS" = true ]; then \
        . /opt/ros/jazzy/setup.bash && . install/setup.bash && python -m pytest; \
    fi

COPY tools/docker_entrypoint.sh /usr/local/bin/dex1b_entrypoint
ENTRYPOINT ["/usr/local/bin/dex1b_entrypoint"]
CMD ["ros2", "launch", "dex1b_ros", "grasp.launch.py"]
